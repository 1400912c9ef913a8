// @ts-check

/** The most that a client waits for a server's word, in milliseconds. */
const LONGEST = 600_000;

/**
 * Return the milliseconds that a server asks a refused connection to wait, as in "too many connections; come back in 5 s".
 * Return 0 if the reason names none.
 *
 * @param {string} reason
 */
export function waitAsked(reason) {
  const seconds = Number(/come back in (\d{1,6}) s$/.exec(reason)?.[1] ?? 0);
  return Math.min(LONGEST, seconds * 1_000);
}
