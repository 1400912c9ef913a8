// @ts-check
/** @import { PushApi } from "./push-api.js" */

/** The most pages of unread notifications to fetch. If there are more, shown pushes stay. */
const PAGES = 5;

/** Return the shown pushes of the hub. A site's own worker may show others, which are left alone. */
export async function shownPushes() {
  const registration = await navigator.serviceWorker?.getRegistration();
  const shown = (await registration?.getNotifications()) ?? [];
  return shown.filter(({ data }) => data?.notificationsHub);
}

/**
 * Close shown pushes that belong to other people.
 *
 * @param {string} person
 */
export async function closeOthers(person) {
  for (const push of await shownPushes()) {
    if (push.data.notificationsHub.owner !== person) push.close();
  }
}

/**
 * Close pushes that were read elsewhere while no page was open here. Ask the server only if any push is shown.
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
 * @returns {Promise<Set<string> | null>} null if there are too many
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
