// @ts-check

/**
 * Ask the service worker to close these pushes. There may be no worker, or one that does not know the message.
 *
 * @param {string[]} ids of notifications; if several share a tag, only the shown one counts
 */
export async function closePushes(ids) {
  const registration = await navigator.serviceWorker?.getRegistration();
  registration?.active?.postMessage({ close: ids });
}
