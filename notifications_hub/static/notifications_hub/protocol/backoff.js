// @ts-check

const FIRST = 1_000;
const LONGEST = 60_000;

/**
 * How long to wait before the next try, in milliseconds.
 *
 * Full jitter: anything from nothing to the ceiling. After a restart thousands of pages come back at once, and only a
 * wait that is random from zero up spreads them evenly.
 *
 * @param {number} tries how many have failed in a row, before this one
 * @param {() => number} [random]
 */
export function backoff(tries, random = Math.random) {
  return random() * Math.min(LONGEST, FIRST * 2 ** tries);
}
