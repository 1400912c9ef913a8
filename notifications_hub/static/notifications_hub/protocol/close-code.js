// @ts-check

/**
 * Reasons for the end of a connection that need more than waiting and trying again. A code means the same on every
 * kind of connection. Codes above 4899 come from the client, never from a server.
 */
export const CloseCode = Object.freeze({
  /** The browser's code for a socket that broke or never opened. */
  BROKEN: 1006,
  RESTART: 1012,
  BAD_FRAME: 4400,
  SESSION_OVER: 4401,
  TOPIC_REFUSED: 4403,
  TOO_MANY: 4429,
  /** Nothing arrived, not even a heartbeat. */
  SILENT: 4900,
});

/** @type {Set<number>} */
const ANSWERS = new Set([
  CloseCode.RESTART,
  CloseCode.BAD_FRAME,
  CloseCode.SESSION_OVER,
  CloseCode.TOPIC_REFUSED,
  CloseCode.TOO_MANY,
]);

/**
 * Return whether the hub itself sent the code. Any other kind of connection would get the same answer.
 *
 * @param {number} code
 */
export function isAnswer(code) {
  return ANSWERS.has(code);
}
