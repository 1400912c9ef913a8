// @ts-check

const FIRST = 1_000;
const LONGEST = 60_000;

/**
 * Return how long to wait before the next try, in milliseconds.
 *
 * Uses full jitter: a random wait from zero to the ceiling. After a restart thousands of pages reconnect at once, and
 * only a wait that starts at zero spreads them evenly.
 *
 * @param {number} tries failed tries in a row before this one
 * @param {() => number} [random]
 */
export function backoff(tries, random = Math.random) {
  return random() * Math.min(LONGEST, FIRST * 2 ** tries);
}
