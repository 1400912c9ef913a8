// @ts-check

/**
 * Asks the service worker to take these off the desktop. There may be none, or one that does not know the message.
 *
 * @param {string[]} tags
 */
export async function closePushes(tags) {
  const registration = await navigator.serviceWorker?.getRegistration();
  registration?.active?.postMessage({ close: tags });
}
