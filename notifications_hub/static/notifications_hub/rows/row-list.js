// @ts-check
/** @import { RowItem } from "./row-item.js" */
import { copyOf, part, setText } from "../shared/dom.js";
import { adopt } from "./row-adopt.js";
import { fillRow, refreshTimes } from "./row-fill.js";
import { textOf } from "./row-item.js";
import { insertionIndex } from "./row-order.js";

const NEW_FOR = 4_000;

/** A row of a `<live-list>` was inserted, changed or removed. Bubbles. */
export class LiveRowEvent extends Event {
  /**
   * @param {"created" | "updated" | "deleted"} change
   * @param {HTMLElement} row already removed from the page if it was deleted
   */
  constructor(change, row) {
    super("live-row", { bubbles: true });
    this.change = change;
    this.row = row;
    this.key = row.dataset.key ?? "";
  }
}

/** The rows of a `<live-list>` as elements, each known by its `data-key`. */
export class RowList {
  #host;
  /** @type {HTMLElement} */
  #list;

  /** @param {HTMLElement} host */
  constructor(host) {
    this.#host = host;
    this.#list = part(host, "rows") ?? host;
    if (this.#list.hasAttribute("aria-live")) return;
    this.#list.setAttribute("aria-live", "polite");
    this.#list.setAttribute("aria-relevant", "additions");
  }

  get element() {
    return this.#list;
  }

  /**
   * Insert a row. An existing row is changed instead, so an event may be applied twice.
   *
   * @param {RowItem} item
   */
  insert(item) {
    if (this.#find(item.id)) return this.change(item);
    const row = copyOf(this.#host, "row");
    row.dataset.key = item.id;
    fillRow(row, item);
    this.#place(row, item);
    this.#mark(row, "data-new");
    this.#dropBeyondMost();
    this.#changed("created", row);
  }

  /**
   * Change a row. An unknown row is on another page of the list and is ignored.
   *
   * @param {RowItem} item
   */
  change(item) {
    const row = this.#find(item.id);
    if (!row) return;
    fillRow(row, item);
    if (this.#sort && row.dataset.sort !== textOf(item, this.#sort)) this.#place(row, item);
    this.#mark(row, "data-changed");
    this.#changed("updated", row);
  }

  /** @param {string} key */
  remove(key) {
    const row = this.#find(key);
    if (!row) return;
    const focused = row.contains(document.activeElement);
    const next = /** @type {HTMLElement | null} */ (row.nextElementSibling ?? row.previousElementSibling);
    row.remove();
    if (focused) this.#focus(next ?? this.#list);
    this.#changed("deleted", row);
  }

  /**
   * Replace all rows by these rows from the server.
   *
   * @param {HTMLElement[]} fresh
   */
  replaceAll(fresh) {
    const wanted = new Set(fresh.map((row) => row.dataset.key));
    for (const row of this.#rows) if (!wanted.has(row.dataset.key)) this.remove(row.dataset.key ?? "");
    let before = null;
    for (const row of fresh.reverse()) {
      const own = this.#find(row.dataset.key ?? "") ?? document.importNode(row, true);
      adopt(own, row);
      if (!own.isConnected || own.nextElementSibling !== before) this.#list.insertBefore(own, before ?? this.#end);
      before = own;
    }
    this.#count();
  }

  refreshTimes() {
    refreshTimes(this.#list);
  }

  get #rows() {
    return /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll(":scope > [data-key]")]);
  }

  /** The element after the last row; null for the end of the list. @returns {Element | null} */
  get #end() {
    return this.#rows.at(-1)?.nextElementSibling ?? null;
  }

  /** The field that rows are sorted by; "" without sorting. */
  get #sort() {
    return (this.#host.getAttribute("sort") ?? "").replace(/^-/, "");
  }

  get #descending() {
    return this.#host.getAttribute("sort")?.startsWith("-") ?? false;
  }

  /**
   * @param {string} key
   * @returns {HTMLElement | null}
   */
  #find(key) {
    return this.#list.querySelector(`:scope > [data-key="${CSS.escape(key)}"]`);
  }

  /**
   * @param {HTMLElement} row
   * @param {RowItem} item
   */
  #place(row, item) {
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    this.#list.insertBefore(row, this.#sort ? this.#sorted(row, item) : this.#unsorted);
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }

  /** @returns {Element | null} */
  get #unsorted() {
    return this.#host.getAttribute("insert") === "first" ? (this.#rows[0] ?? null) : this.#end;
  }

  /**
   * @param {HTMLElement} row
   * @param {RowItem} item
   * @returns {Element | null}
   */
  #sorted(row, item) {
    row.dataset.sort = textOf(item, this.#sort);
    const others = this.#rows.filter((other) => other !== row);
    const values = others.map((other) => other.dataset.sort ?? "");
    return others[insertionIndex(values, row.dataset.sort, { descending: this.#descending })] ?? null;
  }

  #dropBeyondMost() {
    const most = Number(this.#host.getAttribute("most")) || Number.POSITIVE_INFINITY;
    const rows = this.#rows;
    const newestFirst = this.#sort ? this.#descending : this.#host.getAttribute("insert") === "first";
    if (rows.length > most) rows.at(newestFirst ? -1 : 0)?.remove();
  }

  /**
   * @param {HTMLElement} row
   * @param {"data-new" | "data-changed"} name
   */
  #mark(row, name) {
    row.setAttribute(name, "");
    setTimeout(() => row.removeAttribute(name), NEW_FOR);
  }

  /** @param {HTMLElement} row */
  #focus(row) {
    if (!row.hasAttribute("tabindex")) row.tabIndex = -1;
    row.focus({ preventScroll: true });
  }

  /**
   * @param {"created" | "updated" | "deleted"} change
   * @param {HTMLElement} row
   */
  #changed(change, row) {
    this.#count();
    (row.isConnected ? row : this.#host).dispatchEvent(new LiveRowEvent(change, row));
  }

  #count() {
    const { length } = this.#rows;
    for (const empty of /** @type {NodeListOf<HTMLElement>} */ (this.#host.querySelectorAll("[data-part=empty]"))) {
      empty.hidden = length > 0;
    }
    for (const count of this.#host.querySelectorAll("[data-part=count]")) setText(count, String(length));
  }
}
