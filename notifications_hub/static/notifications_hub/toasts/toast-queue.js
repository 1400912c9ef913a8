// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { jobOf } from "../inbox/item-view.js";

/** For another tab that is to show it, or an element of this page that has claimed it. */
const OTHERS_FIRST = 3_000;
/** For the bar of a job in another window: this tab cannot know whether there is one. */
const BAR_FIRST = 1_000;

/**
 * Toasts that are due. They wait while nobody looks, while another tab is to show them, and while what shows the news
 * itself does so; what was told, read or shown meanwhile is dropped.
 */
export class ToastQueue {
  #isSeen;
  #claimOf;
  #display;
  #painted;
  #displayed;
  /** Oldest first. @type {Map<string, Item>} */
  #waiting = new Map();
  /** Of those, what something else is about to show. @type {Set<string>} */
  #left = new Set();
  /** Claimed once: a claim that was not kept is not believed again. @type {WeakSet<Item>} */
  #claimed = new WeakSet();
  #cursor = "";
  #owesAck = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {() => boolean} options.isSeen whether somebody looks at the page
   * @param {(item: Item) => Promise<boolean> | null} options.claimOf who shows it without a toast, and did so
   * @param {(items: Item[]) => void} options.display
   * @param {() => Promise<void>} options.painted what was displayed is on the screen
   * @param {(cursor: string, ids: string[]) => void} options.displayed all up to the cursor was; "" before it all was
   */
  constructor({ isSeen, claimOf, display, painted, displayed }) {
    this.#isSeen = isSeen;
    this.#claimOf = claimOf;
    this.#display = display;
    this.#painted = painted;
    this.#displayed = displayed;
  }

  /** Not yet displayed, oldest first. */
  get waiting() {
    return [...this.#waiting.values()];
  }

  /**
   * @param {Item[]} items oldest first
   * @param {string} cursor
   * @param {{now: boolean}} how not now, where another tab is to show them; should it fail, this one does
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

  /** Somebody may be looking now. */
  flush() {
    this.#offer();
    const items = this.waiting.filter(({ id }) => !this.#left.has(id));
    if (items.length === 0 || !this.#isSeen()) return;
    const ids = items.map(({ id }) => id);
    for (const id of ids) this.#waiting.delete(id);
    this.#display(items);
    this.#confirm(ids);
  }

  /** @param {string[]} ids */
  forget(ids) {
    for (const id of ids) this.#waiting.delete(id);
    if (this.#owesAck) this.#acknowledge([]);
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
    this.#owesAck = true;
    this.#acknowledge(ids);
  }

  /**
   * A cursor says that everything before it was shown, so it is kept back while anything waits.
   *
   * @param {string[]} ids
   */
  #acknowledge(ids) {
    const isAll = this.#waiting.size === 0;
    if (isAll) this.#owesAck = false;
    if (isAll || ids.length > 0) this.#displayed(isAll ? this.#cursor : "", ids);
  }
}

/**
 * @param {number} ms
 * @returns {Promise<boolean>} nothing was shown
 */
function pause(ms) {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms));
}
