// @ts-check

/** Where this browser keeps them. They belong to the browser, not to the person. */
const KEY = "notifications-hub.browser";
const CHOSEN = "notifications-hub.chosen";

/** @typedef {"shortcuts" | "title-count" | "favicon-count" | "sound"} ChoiceName */

/**
 * Return what was chosen in this browser, or the default.
 *
 * @param {ChoiceName} name
 * @param {boolean} otherwise
 */
export function choiceOf(name, otherwise) {
  const chosen = stored()[name];
  return typeof chosen === "boolean" ? chosen : otherwise;
}

/**
 * @param {ChoiceName} name
 * @param {boolean} value
 */
export function choose(name, value) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...stored(), [name]: value }));
  } catch {
    // A browser that blocks storage forgets it.
  }
  document.dispatchEvent(new Event(CHOSEN));
}

/**
 * Call back when something is chosen, on this page or in another tab.
 *
 * @param {() => void} callback
 * @param {AbortSignal} signal
 */
export function onChoice(callback, signal) {
  document.addEventListener(CHOSEN, callback, { signal });
  window.addEventListener("storage", ({ key }) => (key === KEY || key === null) && callback(), { signal });
}

/** @returns {Record<string, unknown>} */
function stored() {
  try {
    return Object(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  } catch {
    return {};
  }
}
