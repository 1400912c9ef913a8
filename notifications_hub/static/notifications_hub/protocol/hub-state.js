// @ts-check

/** The state of a client; always exactly one of these. */
export const HubState = Object.freeze({
  IDLE: "idle",
  CONNECTING: "connecting",
  LIVE: "live",
  /** The connection is lost; a timer tries again. */
  WAITING: "waiting",
  /** Too many connections: it reopens only when the person returns to this page. */
  CROWDED: "crowded",
  SIGNED_OUT: "signed-out",
  REFUSED: "refused",
});

/** @typedef {typeof HubState[keyof typeof HubState]} HubStateName */
