// @ts-check

/**
 * Counts on the icon of a site that is installed as an app, where there is such a thing.
 *
 * @param {number} unread
 */
export async function countOnIcon(unread) {
  if (!("setAppBadge" in navigator)) return;
  await (unread > 0 ? navigator.setAppBadge(unread) : navigator.clearAppBadge()).catch(() => undefined);
}
