// @ts-check

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Cached, because making a formatter costs far more than using one. @type {Map<string, Intl.RelativeTimeFormat>} */
const formats = new Map();

/**
 * Format a time as "now", "5 min. ago" or "yesterday"; after a week, as a date.
 *
 * @param {number} then
 * @param {number} now
 * @param {string} language
 */
export function relativeTime(then, now, language) {
  const age = Math.max(0, now - then);
  const format = formatOf(language);
  if (age < MINUTE) return format.format(0, "second");
  if (age < HOUR) return format.format(-Math.floor(age / MINUTE), "minute");
  if (age < DAY) return format.format(-Math.floor(age / HOUR), "hour");
  if (age < 7 * DAY) return format.format(-Math.floor(age / DAY), "day");
  return dateOf(then, now, language);
}

/** @param {string} language */
function formatOf(language) {
  const format = formats.get(language) ?? new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  formats.set(language, format);
  return format;
}

/**
 * @param {number} then
 * @param {number} now
 * @param {string} language
 */
function dateOf(then, now, language) {
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  const year = sameYear ? undefined : "numeric";
  return new Date(then).toLocaleDateString(language, { day: "numeric", month: "short", year });
}
