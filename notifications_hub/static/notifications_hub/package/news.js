// @ts-check
/**
 * @import { HubEvent, HubShownEvent, HubUnshownEvent } from "../client/hub-events.js"
 * @import { Item } from "../protocol/wire.js"
 * @import { HubClient } from "./hub-client.js"
 */
import { isNews } from "../inbox/item-state.js";
import { QuietTimes } from "../shared/quiet-times.js";
import { ToastQueue } from "../toasts/toast-queue.js";

/**
 * @typedef {object} NewsListener
 * @property {(items: Item[]) => void} show shows new items, oldest first
 * @property {(ids: string[]) => void} [withdraw] takes back what was read, archived or deleted elsewhere
 */

/**
 * New items for a page's own toasts: each in one tab only, while somebody looks at it, and not in quiet hours. What was
 * shown is acknowledged, so no push and no email follows.
 */
export class News {
  #client;
  /** @type {Set<NewsListener>} */
  #listeners = new Set();
  #quiet = new QuietTimes(null);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #quietTimer;
  #queue = new ToastQueue({
    isSeen: () => this.#listeners.size > 0 && this.#client.page.visible,
    isSilent: () => this.#quiet.isSilentAt(Date.now()),
    claimOf: () => null,
    display: (items) => this.#display(items),
    painted,
    displayed: (cursor, ids) => this.#displayed(cursor, ids),
  });

  /**
   * @param {HubClient} client
   * @param {(item: Item) => Item} current returns the newest form of an item
   */
  constructor(client, current) {
    this.#client = client;
    client.showToasts({ unshown: () => this.#queue.waiting, shows: () => this.#listeners.size > 0 });
    client.addEventListener("hub-shown", (event) => this.forget(/** @type {HubShownEvent} */ (event).ids));
    client.addEventListener("hub-unshown", (event) => {
      const { items, cursor } = /** @type {HubUnshownEvent} */ (event);
      const news = items.map(current).filter(isNews);
      if (news.length > 0) this.#queue.add(news, cursor, { now: true });
    });
    client.addEventListener("hub-event", (event) => {
      const { kind, data } = /** @type {HubEvent} */ (event);
      if (kind === "quiet_hours.updated") this.keepQuiet(data);
    });
  }

  /**
   * @param {NewsListener} listener
   * @returns {() => void} removes it
   */
  listen(listener) {
    this.#listeners.add(listener);
    this.#queue.flush();
    return () => this.#listeners.delete(listener);
  }

  start() {
    this.#client.page.addEventListener("page-visible", () => this.#queue.flush());
  }

  /** @param {unknown} given the person's quiet hours, as the server gives them */
  keepQuiet(given) {
    this.#quiet = new QuietTimes(given);
    clearTimeout(this.#quietTimer);
    this.#quietTimer = this.#quiet.atEnd(() => this.keepQuiet(given));
    this.#queue.flush();
  }

  /**
   * @param {Item[]} items
   * @param {string} cursor
   */
  add(items, cursor) {
    if (items.length > 0) this.#queue.add(items, cursor, { now: this.#client.notifies });
  }

  /** @param {string[]} ids shown elsewhere: dropped if they still wait */
  forget(ids) {
    if (ids.length > 0) this.#queue.forget(ids);
  }

  /** @param {string[]} ids read, archived or deleted: taken off the screen too */
  withdraw(ids) {
    this.forget(ids);
    if (ids.length > 0) for (const listener of this.#listeners) listener.withdraw?.(ids);
  }

  stop() {
    clearTimeout(this.#quietTimer);
    this.#queue.stop();
    this.#listeners.clear();
  }

  /** @param {Item[]} items */
  #display(items) {
    for (const listener of this.#listeners) listener.show(items);
  }

  /**
   * @param {string} cursor
   * @param {string[]} ids
   */
  #displayed(cursor, ids) {
    this.#client.displayed(cursor, ids);
    // A lost report only means a push.
    if (!cursor) this.#client.api.shown(ids).catch(() => undefined);
  }
}

/** Resolve once the page has painted what was just rendered. @returns {Promise<void>} */
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
}
