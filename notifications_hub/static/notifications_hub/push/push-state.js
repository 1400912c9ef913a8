// @ts-check

/** The state of pushes in this browser for this person. Each state has its own words in `push_subscription.html`. */
export const PushState = Object.freeze({
  /** The browser has no Web Push. */
  UNSUPPORTED: "unsupported",
  /** An iPhone or iPad, which supports Web Push only for sites on the Home Screen. */
  INSTALL: "install",
  /** The site has no key. */
  UNAVAILABLE: "unavailable",
  /** The person refused, and only the browser's own settings can change that. */
  DENIED: "denied",
  /** The person was never asked. */
  DEFAULT: "default",
  OFF: "off",
  ON: "on",
  FAILED: "failed",
});

/** @typedef {typeof PushState[keyof typeof PushState]} PushStateName */

/** @type {ReadonlySet<PushStateName>} */
export const SWITCHABLE = new Set([PushState.DEFAULT, PushState.OFF, PushState.ON, PushState.FAILED]);
