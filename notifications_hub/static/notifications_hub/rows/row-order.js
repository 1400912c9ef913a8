// @ts-check

/**
 * Compare two values of a sort field: as numbers, else as times, else as text.
 *
 * @param {string} first
 * @param {string} second
 */
export function compareValues(first, second) {
  for (const read of [asNumber, asTime]) {
    const difference = read(first) - read(second);
    if (!Number.isNaN(difference)) return difference;
  }
  return first < second ? -1 : Number(first > second);
}

/**
 * Return the index of the sorted value that a new one goes before, after equal values; -1 for the end.
 *
 * @param {string[]} values
 * @param {string} value
 * @param {{descending: boolean}} order
 */
export function insertionIndex(values, value, { descending }) {
  const sign = descending ? -1 : 1;
  return values.findIndex((other) => sign * compareValues(other, value) > 0);
}

/** @param {string} text */
function asNumber(text) {
  return text.trim() === "" ? Number.NaN : Number(text);
}

/** @param {string} text in the server's format; the browser must not guess */
function asTime(text) {
  return /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
}
