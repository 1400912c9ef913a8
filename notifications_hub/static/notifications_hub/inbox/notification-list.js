// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { languageOf, part, setText } from "../shared/dom.js";
import { relativeTime } from "../shared/relative-time.js";
import { fillItem } from "./item-dom.js";
import { isUnconfirmed } from "./item-state.js";

const CONTROLS = "a[href], button:not([hidden], [hidden] *)";

/** The rows of the panel. An item keeps its row element, so that focus and hover survive. */
export class NotificationList {
  #list;
  #newRow;
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();

  /**
   * @param {HTMLElement} list
   * @param {() => HTMLElement} newRow
   */
  constructor(list, newRow) {
    this.#list = list;
    this.#newRow = newRow;
  }

  /** @param {Item[]} items */
  render(items) {
    const focused = document.activeElement;
    const index = this.indexOf(focused);
    this.#removeAllBut(new Set(items.map((item) => item.id)));
    items.forEach((item, at) => {
      this.#place(this.#fill(item), at);
    });
    const isLost = index !== -1 && (!focused?.isConnected || focused.matches("[hidden]"));
    if (isLost) this.focus(index, focused?.getAttribute("data-part") ?? "");
    this.tick();
  }

  /** Update the relative times. */
  tick() {
    for (const time of this.#list.querySelectorAll("time")) {
      setText(time, relativeTime(Date.parse(time.dateTime), Date.now(), languageOf(this.#list)));
    }
  }

  get size() {
    return this.#list.children.length;
  }

  /**
   * Return the index of the row that contains the element, or -1.
   *
   * @param {Element | null} element
   */
  indexOf(element) {
    return [...this.#list.children].findIndex((row) => row.contains(element));
  }

  /**
   * Focus a row: this control, or else its first. Past the end it is the last row. Without rows return false.
   *
   * @param {number} index
   * @param {string} [control] its `data-part`
   */
  focus(index, control = "link") {
    const row = this.#list.children[Math.min(index, this.size - 1)];
    const same = row?.querySelector(`:is(${CONTROLS})[data-part="${control}"]`);
    const target = same ?? row?.querySelector(CONTROLS);
    if (target instanceof HTMLElement) target.focus();
    return target instanceof HTMLElement;
  }

  /** @param {string} key an arrow, Home or End; return whether it moves between rows */
  moveFocus(key) {
    const at = this.indexOf(document.activeElement);
    const last = this.size - 1;
    /** @type {Record<string, number>} */
    const targets = { ArrowDown: Math.min(at + 1, last), ArrowUp: at === -1 ? last : Math.max(at - 1, 0) };
    const target = { Home: 0, End: last, ...targets }[key];
    return target !== undefined && this.focus(target);
  }

  /** @param {Item} item */
  #fill(item) {
    const row = this.#rows.get(item.id) ?? this.#newRow();
    this.#rows.set(item.id, row);
    fillItem(row, item);
    const time = /** @type {HTMLTimeElement} */ (part(row, "time"));
    time.dateTime = item.at;
    time.title = new Date(item.at).toLocaleString(languageOf(this.#list), { dateStyle: "full", timeStyle: "short" });
    row.toggleAttribute("data-unread", item.unread);
    part(row, "read").hidden = !item.unread;
    part(row, "unread").hidden = !item.unread;
    const asks = isUnconfirmed(item);
    row.toggleAttribute("data-unconfirmed", asks);
    for (const name of ["ask", "confirm"]) part(row, name).hidden = !asks;
    part(row, "archive").hidden = asks;
    return row;
  }

  /**
   * @param {HTMLElement} row
   * @param {number} index
   */
  #place(row, index) {
    const there = this.#list.children[index];
    // Moving an element removes its focus, so a row in place is not touched.
    if (there !== row) this.#list.insertBefore(row, there ?? null);
  }

  /** @param {Set<string>} ids */
  #removeAllBut(ids) {
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
  }
}
