// @ts-check
/** @import { Follow } from "./follow.js" */
import { HubState } from "../protocol/hub-state.js";
import { followEvents, poll } from "./follow.js";

/**
 * Follow what the page's bell receives. A page without a bell asks once a minute.
 *
 * @type {Follow}
 */
export function followBell(_host, follower, signal) {
  const bell = document.querySelector("notification-bell");
  if (!bell) return poll(follower, signal);
  // The document, because a script may replace the bell.
  followEvents(document, follower, signal);
  const state = /** @type {HTMLElement | null} */ (bell.querySelector("[data-part=state]"))?.dataset.state;
  if (state === HubState.LIVE) follower.load();
}
