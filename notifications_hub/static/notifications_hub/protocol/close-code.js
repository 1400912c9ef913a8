// @ts-check

/**
 * Why a connection ended, where that asks for more than waiting and trying again. A code means the same on every kind
 * of connection; one above 4899 is said by this side, never by a server.
 */
export const CloseCode = Object.freeze({
  /** What a browser says of a socket that broke or never opened. */
  BROKEN: 1006,
  RESTART: 1012,
  BAD_FRAME: 4400,
  SESSION_OVER: 4401,
  TOPIC_REFUSED: 4403,
  TOO_MANY: 4429,
  /** Nothing came, not even a sign of life. */
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
 * Whether the hub itself said so: any other kind of connection would hear the same.
 *
 * @param {number} code
 */
export function isAnswer(code) {
  return ANSWERS.has(code);
}
