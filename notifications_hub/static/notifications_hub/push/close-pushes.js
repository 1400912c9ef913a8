// @ts-check

/**
 * Asks the service worker to take these off the desktop. There may be none, or one that does not know the message.
 *
 * @param {string[]} ids of notifications: under a tag that several share, only the one that is shown counts
 */
export async function closePushes(ids) {
  const registration = await navigator.serviceWorker?.getRegistration();
  registration?.active?.postMessage({ close: ids });
}
