// @ts-check

/**
 * Return the milliseconds since a moment by the wall clock: monotonic clocks stop while a laptop sleeps. If the clock went
 * back, nobody knows how long it was, so it counts as endless.
 *
 * @param {number} moment milliseconds since the epoch
 * @returns {number}
 */
export function timeSince(moment) {
  const passed = Date.now() - moment;
  return passed < 0 ? Number.POSITIVE_INFINITY : passed;
}
