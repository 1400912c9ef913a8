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
  /** The site cannot be reached. */
  OFFLINE: "offline",
  /** The session is over. */
  SIGNED_OUT: "signed-out",
  /** Too many requests. */
  BUSY: "busy",
  /** The service worker failed to start. */
  WORKER: "worker",
  /** The browser cannot reach the push service of its maker. */
  SERVICE: "service",
  /** The site does not accept this browser's subscription. */
  REFUSED: "refused",
  /** Any other failure. */
  FAILED: "failed",
});

/** @typedef {typeof PushState[keyof typeof PushState]} PushStateName */

/** Failures after which the same attempt may succeed. @type {ReadonlySet<PushStateName>} */
export const RETRYABLE = new Set([
  PushState.OFFLINE,
  PushState.BUSY,
  PushState.WORKER,
  PushState.SERVICE,
  PushState.REFUSED,
  PushState.FAILED,
]);

/** @type {ReadonlySet<PushStateName>} */
export const SWITCHABLE = new Set([PushState.DEFAULT, PushState.OFF, PushState.ON, ...RETRYABLE]);
