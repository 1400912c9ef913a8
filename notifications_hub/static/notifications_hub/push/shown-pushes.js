// @ts-check
/** @import { PushApi } from "./push-api.js" */

/** Beyond so many pages of unread ones, what is on the screen stays there. */
const PAGES = 5;

/** The pushes of this site that are on the screen. Those of a worker of the site's own are not ours. */
export async function shownPushes() {
  const registration = await navigator.serviceWorker?.getRegistration();
  const shown = (await registration?.getNotifications()) ?? [];
  return shown.filter(({ data }) => data?.notificationsHub);
}

/**
 * Takes off the screen what is not this person's.
 *
 * @param {string} person
 */
export async function closeOthers(person) {
  for (const push of await shownPushes()) {
    if (push.data.notificationsHub.owner !== person) push.close();
  }
}

/**
 * And what was read elsewhere while no page was open here. Asks the server only if there is something on the screen.
 *
 * @param {PushApi} api
 */
export async function closeRead(api) {
  const shown = await shownPushes();
  if (shown.length === 0) return;
  const unread = await unreadIds(api);
  for (const push of shown) {
    if (unread && !unread.has(push.data.notificationsHub.id)) push.close();
  }
}

/**
 * @param {PushApi} api
 * @returns {Promise<Set<string> | null>} null where there are too many to tell
 */
async function unreadIds(api) {
  const ids = new Set();
  let before = "";
  for (let page = 0; page < PAGES; page++) {
    const { results, next } = await api.unread(before);
    for (const { id } of results) ids.add(id);
    if (next === null) return ids;
    before = next;
  }
  return null;
}
