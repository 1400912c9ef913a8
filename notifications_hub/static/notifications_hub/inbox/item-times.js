// @ts-check
import { pageLanguage, setText } from "../shared/dom.js";
import { relativeTime } from "../shared/relative-time.js";

/**
 * Show a time as the panel does, "5 min. ago", with the exact time in the viewer's zone as its tooltip.
 *
 * @param {HTMLTimeElement} time
 */
export function showTime(time) {
  const at = Date.parse(time.dateTime);
  if (Number.isNaN(at)) return;
  setText(time, relativeTime(at, Date.now(), pageLanguage()));
  time.title = exactTime(at);
}

/**
 * Show the exact time in the viewer's zone, to the second.
 *
 * @param {HTMLTimeElement} time
 */
export function showExactTime(time) {
  const at = Date.parse(time.dateTime);
  if (Number.isNaN(at)) return;
  setText(time, new Date(at).toLocaleString(pageLanguage(), { dateStyle: "medium", timeStyle: "medium" }));
  time.title = exactTime(at);
}

/** In place of a day: cards that the person must confirm. It sorts after each day, so it is on top. */
export const UNCONFIRMED = "unconfirmed";

/**
 * Return the day of a card in the viewer's zone, as text that sorts: "2026-11-20". What must be confirmed has its own.
 *
 * @param {Element} card
 */
export function dayOf(card) {
  if (card.hasAttribute("data-unconfirmed")) return UNCONFIRMED;
  return dayKey(new Date(card.querySelector("time")?.dateTime ?? ""));
}

/**
 * Return the heading of a day: the words for today and for what must be confirmed, or the date.
 *
 * @param {string} day
 * @param {{today: string, unconfirmed: string}} words
 */
export function dayTitle(day, { today, unconfirmed }) {
  if (day === UNCONFIRMED) return unconfirmed;
  if (day === dayKey(new Date())) return today;
  return new Date(`${day}T12:00`).toLocaleDateString(pageLanguage(), { dateStyle: "long" });
}

/**
 * Return a time of today as the time alone, and any other with its day.
 *
 * @param {number} at
 */
export function shortTime(at) {
  const isToday = dayKey(new Date(at)) === dayKey(new Date());
  const options = /** @type {const} */ ({ dateStyle: isToday ? undefined : "medium", timeStyle: "short" });
  return new Date(at).toLocaleString(pageLanguage(), options);
}

/** @param {number} at */
function exactTime(at) {
  return new Date(at).toLocaleString(pageLanguage(), { dateStyle: "full", timeStyle: "long" });
}

/** @param {Date} date */
function dayKey(date) {
  const parts = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return parts.map((number) => String(number).padStart(2, "0")).join("-");
}
