// @ts-check
/** @import { HubEvent, HubStateEvent } from "../client/hub-events.js" */
import { HubState } from "../protocol/hub-state.js";

const POLL = 60_000;

/**
 * What the element does with news.
 *
 * @typedef {object} Follower
 * @property {(event: {kind: string, data: any}) => void} receive
 * @property {(how?: {spread?: boolean}) => void} load ask the server which banners are current; `spread` if many pages
 *   ask at the same moment
 *
 * @typedef {(host: HTMLElement, follower: Follower, signal: AbortSignal) => void} Follow
 */

/**
 * Follow the events of a client, or of the bell, as both dispatch the same ones. Once it is live, ask for what changed
 * before.
 *
 * @param {EventTarget} target
 * @param {Follower} follower
 * @param {AbortSignal} signal
 */
export function followEvents(target, { receive, load }, signal) {
  let isLive = false;
  const reset = (/** @type {Event} */ event) => isLive && isOf(event, target) && load({ spread: true });
  target.addEventListener("hub-event", (event) => receive(/** @type {HubEvent} */ (event)), { signal });
  target.addEventListener("hub-reset", reset, { signal });
  target.addEventListener(
    "hub-state",
    (event) => {
      if (isLive || /** @type {HubStateEvent} */ (event).state !== HubState.LIVE) return;
      isLive = true;
      load();
    },
    { signal },
  );
}

/**
 * Return whether an event is of the client itself, or of the bell and not of a list beside it.
 *
 * @param {Event} event
 * @param {EventTarget} target
 */
function isOf(event, target) {
  return event.target === target || (event.target instanceof Element && event.target.matches("notification-bell"));
}

/**
 * Ask once a minute while somebody looks at the page.
 *
 * @param {Follower} follower
 * @param {AbortSignal} signal
 */
export function poll({ load }, signal) {
  let askedAt = Date.now();
  const ask = () => {
    if (document.visibilityState !== "visible" || Date.now() - askedAt < POLL) return;
    askedAt = Date.now();
    load();
  };
  const timer = setInterval(ask, POLL);
  document.addEventListener("visibilitychange", ask, { signal });
  signal.addEventListener("abort", () => clearInterval(timer));
  load();
}
