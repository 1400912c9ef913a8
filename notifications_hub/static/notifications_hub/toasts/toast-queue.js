// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { jobOf } from "../inbox/item-view.js";

/** Milliseconds that another tab, or an element that claimed the item, has to show it. */
const OTHERS_FIRST = 3_000;
/** Milliseconds that a progress bar in another window has: this tab cannot know whether there is one. */
const BAR_FIRST = 1_000;

/**
 * Toasts that are due. They wait while the page is hidden or silent, while another tab should show them, and while an
 * element that claimed the news shows it. What is critical does not wait for silence to end. Items that are delivered, read or shown in the meantime are dropped.
 */
export class ToastQueue {
  #isSeen;
  #isSilent;
  #claimOf;
  #display;
  #painted;
  #displayed;
  /** Oldest first. @type {Map<string, Item>} */
  #waiting = new Map();
  /** Waiting items left to another tab or element. @type {Set<string>} */
  #left = new Set();
  /** Items that were claimed once: a broken claim is not accepted again. @type {WeakSet<Item>} */
  #claimed = new WeakSet();
  #cursor = "";
  #ackDue = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {() => boolean} options.isSeen whether the page is visible
   * @param {() => boolean} [options.isSilent] whether the person's quiet hours hold, and they wish no toasts meanwhile
   * @param {(item: Item) => Promise<boolean> | null} options.claimOf resolves to whether an element
   *   showed the item; null if unclaimed
   * @param {(items: Item[]) => void} options.display
   * @param {() => Promise<void>} options.painted resolves once the toasts are on the screen
   * @param {(cursor: string, ids: string[]) => void} options.displayed "" while some items still wait
   */
  constructor({ isSeen, isSilent = () => false, claimOf, display, painted, displayed }) {
    this.#isSeen = isSeen;
    this.#isSilent = isSilent;
    this.#claimOf = claimOf;
    this.#display = display;
    this.#painted = painted;
    this.#displayed = displayed;
  }

  /** The items not yet displayed, oldest first. */
  get waiting() {
    return [...this.#waiting.values()];
  }

  /**
   * @param {Item[]} items oldest first
   * @param {string} cursor
   * @param {{now: boolean}} how not now if another tab should show them; this tab does so if that one fails
   */
  add(items, cursor, { now }) {
    for (const item of items) this.#waiting.set(item.id, item);
    this.#cursor = cursor;
    this.#offer();
    clearTimeout(this.#timer);
    if (!now) {
      this.#timer = setTimeout(() => this.flush(), OTHERS_FIRST);
      return;
    }
    for (const item of items.filter(jobOf)) this.#leave(item, pause(BAR_FIRST));
    this.flush();
  }

  /** Show the waiting items if the page is visible, and those that may be shown now if it is silent. */
  flush() {
    this.#offer();
    const silent = this.#isSilent();
    const items = this.waiting.filter(({ id, critical }) => !this.#left.has(id) && (!silent || critical === true));
    if (items.length === 0 || !this.#isSeen()) return;
    const ids = items.map(({ id }) => id);
    for (const id of ids) this.#waiting.delete(id);
    this.#display(items);
    this.#confirm(ids);
  }

  /**
   * Write waiting items anew.
   *
   * @param {Item[]} items
   */
  update(items) {
    for (const item of items) if (this.#waiting.has(item.id)) this.#waiting.set(item.id, item);
  }

  /** @param {string[]} ids */
  forget(ids) {
    for (const id of ids) this.#waiting.delete(id);
    if (this.#ackDue) this.#acknowledge([]);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #offer() {
    if (!this.#isSeen()) return;
    for (const item of this.waiting.filter((one) => !this.#left.has(one.id) && !this.#claimed.has(one))) {
      const claim = this.#claimOf(item);
      if (!claim) continue;
      this.#claimed.add(item);
      this.#leave(item, Promise.race([claim.catch(() => false), pause(OTHERS_FIRST)]));
    }
  }

  /**
   * @param {Item} item
   * @param {Promise<boolean>} shown
   */
  async #leave({ id }, shown) {
    if (this.#left.has(id)) return;
    this.#left.add(id);
    const isShown = await shown;
    this.#left.delete(id);
    if (!this.#waiting.has(id)) return;
    if (!isShown) return this.flush();
    this.#waiting.delete(id);
    this.#confirm([id]);
  }

  /** @param {string[]} ids */
  async #confirm(ids) {
    await this.#painted();
    this.#ackDue = true;
    this.#acknowledge(ids);
  }

  /**
   * Report what was displayed. A cursor covers everything before it, so it is withheld while any item waits.
   *
   * @param {string[]} ids
   */
  #acknowledge(ids) {
    const isAll = this.#waiting.size === 0;
    if (isAll) this.#ackDue = false;
    if (isAll || ids.length > 0) this.#displayed(isAll ? this.#cursor : "", ids);
  }
}

/**
 * @param {number} ms
 * @returns {Promise<boolean>} resolves to false: nothing was shown
 */
function pause(ms) {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms));
}
