// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { pageLanguage, part, setText } from "../shared/dom.js";
import { relativeTime } from "../shared/relative-time.js";
import { fillItem } from "./item-dom.js";

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
    const before = document.activeElement;
    const focused = this.#rowOf(before);
    this.#removeAllBut(new Set(items.map((item) => item.id)));
    items.forEach((item, index) => {
      this.#place(this.#fill(item), index);
    });
    if (focused && before !== document.activeElement) this.#focusNear(focused);
    this.tick();
  }

  /** Update the relative times. */
  tick() {
    for (const time of this.#list.querySelectorAll("time")) {
      setText(time, relativeTime(Date.parse(time.dateTime), Date.now(), pageLanguage()));
    }
  }

  /** @param {number} by rows down, or up when negative */
  moveFocus(by) {
    const rows = [...this.#list.children];
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const next = at === -1 ? (by > 0 ? 0 : rows.length - 1) : at + by;
    const target = rows[next]?.querySelector("a[href], button:not([hidden])");
    if (target instanceof HTMLElement) target.focus();
  }

  /** @param {Item} item */
  #fill(item) {
    const row = this.#rows.get(item.id) ?? this.#newRow();
    this.#rows.set(item.id, row);
    fillItem(row, item);
    const time = /** @type {HTMLTimeElement} */ (part(row, "time"));
    time.dateTime = item.at;
    time.title = new Date(item.at).toLocaleString(pageLanguage(), { dateStyle: "full", timeStyle: "short" });
    row.toggleAttribute("data-unread", item.unread);
    part(row, "read").hidden = !item.unread;
    part(row, "unread").hidden = !item.unread;
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

  /** @param {Element | null} element */
  #rowOf(element) {
    const rows = [...this.#list.children];
    const index = rows.findIndex((row) => row.contains(element));
    return index === -1 ? null : { index };
  }

  /** @param {{index: number}} where */
  #focusNear({ index }) {
    const rows = this.#list.children;
    const row = rows[Math.min(index, rows.length - 1)];
    const target = row?.querySelector("a[href], button:not([hidden])") ?? this.#list.closest("[popover]");
    if (target instanceof HTMLElement) target.focus();
  }
}
