// @ts-check
/** @import { HubStateEvent } from "./hub-events.js" */
import { HubState } from "../protocol/hub-state.js";

const PATIENCE = 2_000;

/**
 * Calls once the page's bell is connected, at once where there is none: a connection that stands takes a further topic,
 * one that is just being opened would have to be opened anew.
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
  const turned = (/** @type {Event} */ event) => {
    if (/** @type {HubStateEvent} */ (event).state === HubState.LIVE) waiting.abort();
  };
  bell.addEventListener("hub-state", turned, { signal: waiting.signal });
  signal.addEventListener("abort", () => waiting.abort());
  waiting.signal.addEventListener("abort", () => {
    clearTimeout(timer);
    if (!signal.aborted) start();
  });
}
