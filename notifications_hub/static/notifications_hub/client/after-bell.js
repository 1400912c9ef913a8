// @ts-check
/** @import { HubStateEvent } from "./hub-events.js" */
import { HubState } from "../protocol/hub-state.js";

const PATIENCE = 2_000;

/**
 * Call `start` once the page's bell is connected, or at once on a page without a bell. An open connection accepts
 * another topic, while one that is still opening would have to be reopened.
 *
 * @param {() => void} start
 * @param {AbortSignal} signal
 */
export function afterBell(start, signal) {
  const bell = document.querySelector("notification-bell");
  const state = /** @type {HTMLElement | undefined} */ (bell?.querySelector("[data-part=state]"))?.dataset.state;
  if (!bell || state === HubState.LIVE) return start();
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), PATIENCE);
  const stateChanged = (/** @type {Event} */ event) => {
    if (/** @type {HubStateEvent} */ (event).state === HubState.LIVE) waiting.abort();
  };
  bell.addEventListener("hub-state", stateChanged, { signal: waiting.signal });
  signal.addEventListener("abort", () => waiting.abort());
  waiting.signal.addEventListener("abort", () => {
    clearTimeout(timer);
    if (!signal.aborted) start();
  });
}
