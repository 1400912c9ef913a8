// @ts-check

/** Where a client stands; always exactly one of these. */
export const HubState = Object.freeze({
  IDLE: "idle",
  CONNECTING: "connecting",
  LIVE: "live",
  /** Lost it; a timer tries again. */
  WAITING: "waiting",
  /** Too many connections: only a look at this page opens it again. */
  CROWDED: "crowded",
  SIGNED_OUT: "signed-out",
  REFUSED: "refused",
});

/** @typedef {typeof HubState[keyof typeof HubState]} State */
