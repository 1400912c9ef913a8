// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { isUnconfirmed, newestFirst } from "./item-state.js";

const KEPT = 100;

/** The items that a page has loaded and not dropped since, and older ones that the person must confirm. */
export class KeptItems {
  /** The newest items without archived ones. @type {Map<string, Item>} */
  #listed = new Map();
  /** Older ones that the person must confirm. @type {Map<string, Item>} */
  #pinned = new Map();
  #most = KEPT;
  /** When the newest dropped item was created. @type {number | null} */
  #dropped = null;

  /**
   * Replace all by a first page.
   *
   * @param {Item[]} items
   * @param {Item[]} top what the person must confirm
   */
  reset(items, top) {
    this.#most = KEPT;
    this.#listed = new Map(items.filter((item) => !item.archived).map((item) => [item.id, item]));
    this.#pinned = new Map(top.filter(({ id }) => !this.#listed.has(id)).map((item) => [item.id, item]));
  }

  get newestFirst() {
    return [...this.#listed.values()].sort(newestFirst);
  }

  /** The items that the person must confirm, newest first. */
  get unconfirmed() {
    return [...this.#listed.values(), ...this.#pinned.values()].filter(isUnconfirmed).sort(newestFirst);
  }

  get areTooMany() {
    return this.#listed.size > this.#most;
  }

  /** @param {string} id */
  get(id) {
    return this.#listed.get(id) ?? this.#pinned.get(id);
  }

  /** Add an item, or replace it where it is. @param {Item} item */
  set(item) {
    this.#mapOf(item.id).set(item.id, item);
  }

  /** @param {string} id */
  delete(id) {
    this.#mapOf(id).delete(id);
  }

  /** Add the items of a further page. Return those that were unknown. @param {Item[]} items */
  append(items) {
    const added = items.filter((item) => !item.archived && !this.#listed.has(item.id));
    for (const item of added) {
      this.#listed.set(item.id, item);
      this.#pinned.delete(item.id);
    }
    this.keep(this.#listed.size);
    return added;
  }

  /** @param {number} count how many items to keep, if more than usual */
  keep(count) {
    this.#most = Math.max(KEPT, count);
  }

  /** Drop the oldest, except for what must be confirmed. @param {Item[]} shown newest first */
  drop(shown) {
    const dropped = shown.slice(this.#most);
    for (const item of dropped) {
      this.#listed.delete(item.id);
      if (isUnconfirmed(item)) this.#pinned.set(item.id, item);
    }
    this.#dropped = Math.max(this.#dropped ?? -Infinity, ...dropped.map(({ at }) => Date.parse(at)));
  }

  /** Return when the newest item dropped since the last call was created, or null if none was dropped. */
  takeDropped() {
    const dropped = this.#dropped;
    this.#dropped = null;
    return dropped;
  }

  /** @param {(item: Item) => number} test */
  sum(test) {
    return [...this.#listed.values()].reduce((sum, item) => sum + test(item), 0);
  }

  /**
   * Return the map that holds the item, or that a new one belongs to.
   *
   * @param {string} id
   */
  #mapOf(id) {
    return this.#pinned.has(id) ? this.#pinned : this.#listed;
  }
}
