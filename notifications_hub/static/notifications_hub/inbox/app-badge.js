// @ts-check

/**
 * Show the count on the icon of a site that is installed as an app, if the browser supports it.
 *
 * @param {number} unread
 */
export async function setIconBadge(unread) {
  if (!("setAppBadge" in navigator)) return;
  await (unread > 0 ? navigator.setAppBadge(unread) : navigator.clearAppBadge()).catch(() => undefined);
}
