// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { isShownOn } from "./banner-paths.js";

/**
 * The current banners of the page's visitor, newest first, and those that they dismissed. It knows no DOM.
 *
 * Before `replaceAll` it knows only the ids that the server rendered. A changed banner that is not among these may be one
 * that was dismissed earlier, so only an announcement that is new is added.
 */
export class BannerBoard {
  /** Without an item: as the server rendered it. @type {Map<string, Item | null>} */
  #items = new Map();
  /** @type {Set<string>} */
  #dismissed = new Set();
  #isComplete = false;

  /** @param {Iterable<string>} rendered the ids that the server rendered, in their order */
  constructor(rendered) {
    for (const id of rendered) this.#items.set(id, null);
  }

  /**
   * Return the banners of a page.
   *
   * @param {string} path below the site's prefix
   * @returns {[string, Item | null][]}
   */
  shownOn(path) {
    return [...this.#items].filter(([, item]) => !item || isShownOn(item.banner?.paths ?? [], path));
  }

  /** @param {{banners: Item[], dismissed: string[]}} state */
  replaceAll({ banners, dismissed }) {
    for (const id of dismissed) this.#dismissed.add(id);
    const shown = banners.filter((item) => !this.#isDismissed(item));
    this.#items = new Map(shown.map((item) => [item.id, item]));
    this.#isComplete = true;
  }

  /**
   * Apply an event. Others than those of announcements change nothing.
   *
   * @param {{kind: string, data: any}} event
   */
  apply({ kind, data }) {
    if (kind === "announcement.created") this.#put(data);
    else if (kind === "announcement.updated") this.#change(data);
    else if (kind === "announcement.withdrawn") for (const id of data.ids ?? []) this.#items.delete(id);
    else if (kind === "announcement.dismissed") for (const id of data.ids ?? []) this.dismiss(id);
  }

  /**
   * Return a function that takes the dismissal back.
   *
   * @param {string} id
   */
  dismiss(id) {
    const before = new Map(this.#items);
    this.#dismissed.add(id);
    this.#items.delete(id);
    return () => {
      this.#dismissed.delete(id);
      // At its old place, but with what has changed meanwhile.
      const item = before.get(id);
      if (item !== undefined) this.#items = inOrderOf(before, new Map([[id, item], ...this.#items]));
    };
  }

  /**
   * Remove a banner that the visitor's cookie lists, unless nobody can dismiss it any more.
   *
   * @param {string} id
   * @param {boolean} isLasting whether the server rendered it without a form
   */
  remember(id, isLasting) {
    const item = this.#items.get(id);
    this.#dismissed.add(id);
    if (item ? this.#isDismissed(item) : !isLasting) this.#items.delete(id);
  }

  /** @param {Item} item */
  #change(item) {
    if (this.#isComplete || this.#items.has(item.id)) this.#put(item);
  }

  /** @param {Item} item */
  #put(item) {
    if (!item.banner || this.#isDismissed(item)) this.#items.delete(item.id);
    else if (this.#items.has(item.id)) this.#items.set(item.id, item);
    else this.#items = new Map([[item.id, item], ...this.#items]);
  }

  /**
   * Return whether it stays dismissed. One that nobody can dismiss any more comes back, as on the server.
   *
   * @param {Item} item
   */
  #isDismissed({ id, banner }) {
    return this.#dismissed.has(id) && banner?.dismissable === true;
  }
}

/**
 * @param {Map<string, Item | null>} before
 * @param {Map<string, Item | null>} items
 */
function inOrderOf(before, items) {
  const order = [...before.keys()];
  return new Map([...items].sort(([one], [other]) => order.indexOf(one) - order.indexOf(other)));
}
