// @ts-check
import { copyOf, pageLanguage, part, setText } from "../../notifications_hub/dist/client.js";

const DIVIDER = ".chat-day";

/** Dividers with the date above the first message of each day, in the reader's time zone. */
export class DayDividers {
  #host;
  #list;
  #format;

  /**
   * @param {object} options
   * @param {Element} options.host has the template
   * @param {Element} options.list
   * @param {string} options.timeZone "" for the browser's
   */
  constructor({ host, list, timeZone }) {
    this.#host = host;
    this.#list = list;
    this.#format = new Intl.DateTimeFormat(pageLanguage(), { dateStyle: "long", timeZone: timeZone || undefined });
  }

  /**
   * Insert or remove the divider above this message, depending on the message before it.
   *
   * @param {HTMLElement} row
   */
  divide(row) {
    const { last, divider } = above(row);
    const day = this.#dayOf(row);
    if (last && this.#dayOf(last) === day) return divider?.remove();
    const shown = divider ?? copyOf(this.#host, "day");
    const time = /** @type {HTMLTimeElement} */ (part(shown, "day"));
    time.dateTime = row.dataset.at ?? "";
    setText(time, day);
    if (!divider) row.before(shown);
  }

  /** Remove dividers without a message below. */
  tidy() {
    for (const divider of this.#list.querySelectorAll(DIVIDER)) {
      const next = divider.nextElementSibling;
      if (!next || next.matches(DIVIDER)) divider.remove();
    }
  }

  /** @param {HTMLElement} row */
  #dayOf(row) {
    return this.#format.format(Date.parse(row.dataset.at ?? ""));
  }
}

/**
 * Return the message before this one, and the divider between the two.
 *
 * @param {HTMLElement} row
 */
function above(row) {
  /** @type {Element | null} */
  let divider = null;
  let last = row.previousElementSibling;
  while (last && !isMessage(last)) {
    if (last.matches(DIVIDER)) divider = last;
    last = last.previousElementSibling;
  }
  return { last: /** @type {HTMLElement | null} */ (last), divider: /** @type {HTMLElement | null} */ (divider) };
}

/** @param {Element} row */
export function isMessage(row) {
  return row instanceof HTMLElement && row.dataset.at !== undefined;
}
