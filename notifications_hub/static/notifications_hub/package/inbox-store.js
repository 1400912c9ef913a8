// @ts-check
/**
 * @import { Counts, Item, ItemResult } from "../protocol/wire.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 * @import { FeedStateName, InboxChangedEvent } from "../inbox/inbox-feed.js"
 * @import { Change } from "../inbox/store-effect.js"
 * @import { MarkName } from "../inbox/notifications-api.js"
 * @import { OlderStateName } from "../inbox/older-pages.js"
 * @import { HubClient } from "./hub-client.js"
 * @import { NewsListener } from "./news.js"
 */
import { FeedState, InboxFeed } from "../inbox/inbox-feed.js";
import { InboxStore as LoadedItems } from "../inbox/inbox-store.js";
import { OlderState } from "../inbox/older-pages.js";
import { StoreChange } from "../inbox/store-change.js";
import { backoff } from "../protocol/backoff.js";
import { HubState } from "../protocol/hub-state.js";
import { ApiError } from "../shared/api-error.js";
import { typedError } from "./errors.js";
import { News } from "./news.js";

/**
 * The inbox at one moment. It never changes: after a change there is another one.
 *
 * @typedef {Readonly<InboxContent>} InboxSnapshot
 *
 * @typedef {object} InboxContent
 * @property {readonly Item[]} items newest first, without archived ones
 * @property {readonly Item[]} pinned what the person must confirm; show these on top
 * @property {number} unread stops at 100
 * @property {number} unseen of these, new since the person last opened the list
 * @property {number} unconfirmed how many the person must confirm
 * @property {FeedStateName} status "loading", "ready", "failed" while it tries again, or "ended": signed out
 * @property {HubStateName} connection
 * @property {OlderStateName} more what follows the items: "none", "more", "loading" or "failed"
 *
 * @typedef {object} Marked
 * @property {number} changed how many items the server changed
 * @property {(() => Promise<void>) | null} undo takes it back, for an hour; null if nothing can
 */

/** Before anything is loaded, and on a server. @type {InboxSnapshot} */
const EMPTY = Object.freeze({
  items: Object.freeze([]),
  pinned: Object.freeze([]),
  unread: 0,
  unseen: 0,
  unconfirmed: 0,
  status: FeedState.LOADING,
  connection: HubState.IDLE,
  more: OlderState.NONE,
});
const CHANGES = /** @type {const} */ ({
  read: "read",
  unread: "unread",
  archive: "archived",
  acknowledge: "acknowledged",
  snooze: "archived",
});

/**
 * One person's inbox for a page that renders it itself. It loads the newest page, follows the hub's events, and sends
 * what the person does: shown at once, and taken back if the server refuses.
 *
 * `subscribe` and `getSnapshot` are what React's `useSyncExternalStore` takes. It starts with the first subscriber.
 */
export class InboxStore {
  #client;
  #news;
  /** @type {Set<() => void>} */
  #subscribers = new Set();
  /** @type {InboxSnapshot | null} */
  #snapshot = EMPTY;
  #items = new LoadedItems();
  /** @type {InboxFeed | null} */
  #feed = null;
  /** @type {FeedStateName} */
  #status = FeedState.LOADING;
  #started = false;
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HubClient} client */
  constructor(client) {
    this.#client = client;
    this.#news = new News(client, (item) => this.#items.get(item.id) ?? item);
  }

  /**
   * Call back after each change, until the returned function is called.
   *
   * @param {() => void} callback
   * @returns {() => void}
   */
  subscribe = (callback) => {
    this.#subscribers.add(callback);
    this.start();
    return () => this.#subscribers.delete(callback);
  };

  /** Return the inbox as it is now: the same object until something changes. @returns {InboxSnapshot} */
  getSnapshot = () => {
    this.#snapshot ??= this.#take();
    return this.#snapshot;
  };

  /** Return what a server renders: nothing is loaded there. */
  getServerSnapshot = () => EMPTY;

  get items() {
    return this.getSnapshot().items;
  }

  get unread() {
    return this.getSnapshot().unread;
  }

  get connection() {
    return this.getSnapshot().connection;
  }

  /** Load the inbox and connect. The first subscriber does this too. */
  start() {
    if (this.#started) return;
    this.#started = true;
    this.#client.addEventListener("hub-state", () => this.#changed());
    this.#news.start();
    for (const type of ["page-visible", "page-focus", "page-online"]) {
      this.#client.page.addEventListener(type, () => this.#status === FeedState.FAILED && this.#begin());
    }
    this.#begin();
  }

  /** Stop for good, and close the client. */
  stop() {
    clearTimeout(this.#timer);
    this.#news.stop();
    this.#subscribers.clear();
    if (this.#feed) this.#feed.stop();
    else this.#client.stop();
    this.#status = FeedState.ENDED;
  }

  /**
   * Receive new items, to show them in toasts of your own. What you show counts as delivered, so no push follows.
   *
   * @param {NewsListener["show"]} show
   * @param {NewsListener["withdraw"]} [withdraw]
   * @returns {() => void} ends it
   */
  onNews(show, withdraw) {
    return this.#news.listen({ show, withdraw });
  }

  /**
   * Show one page more.
   *
   * @throws {ApiError} in its own class
   */
  async loadMore() {
    await this.#feed?.older.showNext(() => this.#changed()).catch((error) => this.#refused(error));
  }

  /** Fetch the newest page again. */
  async refresh() {
    await this.#feed?.load();
  }

  /**
   * Mark items: "read", "unread", "archive", "unarchive", "save", "unsave", "snooze" or "acknowledge", which confirms
   * what must be.
   *
   * @param {string[] | "all"} which ids, or the whole inbox
   * @param {MarkName} mark
   * @param {{until?: string}} [how] for a snooze: "later", "tomorrow", "monday" or an ISO time
   * @returns {Promise<Marked>}
   * @throws {ApiError} in its own class; then nothing is changed
   */
  async mark(which, mark, { until } = {}) {
    const shown = this.#show(which, mark);
    try {
      await this.#client.bell();
      const wanted = { ...(which === "all" ? { all: /** @type {const} */ (true) } : { ids: which }), until };
      const { changed, undo } = await this.#client.api.mark(mark, wanted);
      if (changed !== shown?.count) this.#feed?.recount();
      return { changed, undo: undo ? () => this.#undo(undo, shown) : null };
    } catch (error) {
      shown?.revert(new Set());
      // Its answer may have been lost, so only the server knows.
      this.#feed?.load();
      return this.#refused(error);
    }
  }

  /** Note that the person has opened the list: nothing in it is new any more. */
  async markSeen() {
    await this.#feed?.markAllSeen();
  }

  /**
   * Run an action of an item. If somebody has done it already, return their result.
   *
   * @param {string} id
   * @param {string} name
   * @param {string} [word] if the action asks for one
   * @returns {Promise<ItemResult | undefined>}
   * @throws {ApiError} in its own class
   */
  async act(id, name, word = "") {
    return await this.#feed?.act(id, name, word).catch((error) => this.#refused(error));
  }

  /**
   * Unfollow the thing that an item is about.
   *
   * @param {string} id
   * @throws {ApiError} in its own class
   */
  async unfollow(id) {
    const object = this.#items.get(id)?.reason?.object;
    if (object) await this.#client.api.follow(object, false).catch((error) => this.#refused(error));
  }

  async #begin() {
    clearTimeout(this.#timer);
    if (this.#feed) return;
    try {
      const bell = await this.#client.bell();
      // Signs of a return may begin it twice.
      if (this.#feed || this.#status === FeedState.ENDED) return;
      this.#news.keepQuiet(bell.quiet);
      await this.#follow(bell, bell.scope);
    } catch (error) {
      this.#failed(error);
    }
  }

  /**
   * @param {Counts} counts
   * @param {string | null} scope
   */
  async #follow(counts, scope) {
    const client = this.#client;
    this.#items = new LoadedItems(counts, scope);
    this.#feed = new InboxFeed({ api: client.api, client, store: this.#items, others: client.others });
    this.#feed.addEventListener("inbox-changed", (event) => this.#received(/** @type {InboxChangedEvent} */ (event)));
    await this.#feed.start();
  }

  /** @param {InboxChangedEvent} event */
  #received({ change, cursor }) {
    if (change) {
      this.#news.forget(change.delivered);
      this.#news.withdraw(change.gone);
      this.#news.add(change.fresh, cursor);
    }
    this.#changed();
  }

  /** @param {unknown} error of the very first request */
  #failed(error) {
    if (this.#status === FeedState.ENDED) return;
    const isSignedOut = error instanceof ApiError && error.signedOut;
    this.#status = isSignedOut ? FeedState.ENDED : FeedState.FAILED;
    if (!isSignedOut) this.#timer = setTimeout(() => this.#begin(), backoff(this.#tries++));
    this.#changed();
  }

  /**
   * Throw an error in its own class. If the session is over, everything is forgotten.
   *
   * @param {unknown} error
   * @returns {never}
   */
  #refused(error) {
    if (error instanceof ApiError && error.status === 401) {
      this.#feed?.stop();
      this.#changed();
    }
    throw typedError(error);
  }

  /**
   * Show a mark before it is sent. What comes back to the inbox, or is saved, is shown once the server says so.
   *
   * @param {string[] | "all"} which
   * @param {MarkName} mark
   */
  #show(which, mark) {
    if (mark === "unarchive" || mark === "save" || mark === "unsave" || (which === "all" && mark !== "read"))
      return null;
    const all = which === "all";
    const ids = all ? this.#items.items.filter((item) => item.unread).map(({ id }) => id) : which;
    const changed = (/** @type {Change | undefined} */ change) => {
      if (change?.recount) this.#feed?.recount();
      if (change) this.#news.withdraw(change.gone);
      this.#changed();
    };
    return new StoreChange({ store: this.#items, changed, event: CHANGES[mark], ids, all });
  }

  /**
   * @param {string} token
   * @param {StoreChange | null} shown
   */
  async #undo(token, shown) {
    shown?.undo();
    try {
      await this.#client.api.undo(token);
    } catch (error) {
      shown?.redo();
      this.#feed?.load();
      this.#refused(error);
    }
  }

  #changed() {
    this.#snapshot = null;
    for (const callback of [...this.#subscribers]) callback();
  }

  /** @returns {InboxSnapshot} */
  #take() {
    const older = this.#feed?.older;
    const { pinned, unread, unseen, unconfirmed } = this.#items;
    return Object.freeze({
      items: Object.freeze(older?.shown ?? []),
      pinned: Object.freeze(pinned),
      unread,
      unseen,
      unconfirmed,
      status: this.#feed?.state ?? this.#status,
      connection: this.#client.state,
      more: older?.state ?? OlderState.NONE,
    });
  }
}
