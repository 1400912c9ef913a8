// @ts-check

/**
 * Compares two values of a sort field: as numbers, as times, else as text.
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
 * Before which of the sorted values a new one belongs: behind those that are like it. -1 for the end.
 *
 * @param {string[]} values
 * @param {string} value
 * @param {{descending: boolean}} order
 */
export function placeOf(values, value, { descending }) {
  const sign = descending ? -1 : 1;
  return values.findIndex((other) => sign * compareValues(other, value) > 0);
}

/** @param {string} text */
function asNumber(text) {
  return text.trim() === "" ? Number.NaN : Number(text);
}

/** @param {string} text as the server writes times, and nothing a browser would guess at */
function asTime(text) {
  return /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
}
