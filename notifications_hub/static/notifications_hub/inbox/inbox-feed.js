// @ts-check
/**
 * @import { HubClient } from "../client/hub-client.js"
 * @import { HubEvent, HubFrameEvent, HubResetEvent, HubStateEvent } from "../client/hub-events.js"
 * @import { Change, InboxEvent, InboxStore } from "./inbox-store.js"
 * @import { NotificationsApi } from "./notifications-api.js"
 * @import { Page } from "../protocol/wire.js"
 */

import { backoff } from "../protocol/backoff.js";
import { HubState } from "../protocol/hub-state.js";
import { ApiError } from "../shared/api-error.js";
import { CountCheck } from "./count-check.js";

/** The state of a feed; always exactly one of these. */
export const FeedState = Object.freeze({
  LOADING: "loading",
  READY: "ready",
  FAILED: "failed",
  ENDED: "ended",
});

/** @typedef {typeof FeedState[keyof typeof FeedState]} FeedStateName */

/** The inbox has changed: its items, its counts or its state. */
export class InboxChangedEvent extends Event {
  /**
   * @param {Change | null} change null to render everything again
   * @param {string} cursor acknowledged once the fresh items were displayed
   */
  constructor(change = null, cursor = "") {
    super("inbox-changed", { bubbles: true });
    this.change = change;
    this.cursor = cursor;
  }

  copy() {
    return new InboxChangedEvent(this.change, this.cursor);
  }
}

/**
 * The feed of the store: loads it, applies the client's events and sends the person's actions. Dispatches
 * `inbox-changed`.
 */
export class InboxFeed extends EventTarget {
  #api;
  #client;
  #store;
  #others;
  #random;
  #counts;
  /** @type {FeedStateName} */
  #state = FeedState.LOADING;
  /** Events that wait for the end of their catch-up or of a load. @type {InboxEvent[]} */
  #waiting = [];
  #cursor = "";
  #connected = false;
  #loading = false;
  #again = false;
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {NotificationsApi} options.api
   * @param {HubClient} options.client
   * @param {InboxStore} options.store
   * @param {Iterable<string>} [options.others] topics of the same connection that do not belong to the inbox
   * @param {() => number} [options.random]
   */
  constructor({ api, client, store, others = [], random = Math.random }) {
    super();
    this.#api = api;
    this.#client = client;
    this.#store = store;
    this.#others = new Set(others);
    this.#random = random;
    this.#counts = new CountCheck(() => this.#count(), random);
  }

  get state() {
    return this.#state;
  }

  start() {
    this.#client.addEventListener("hub-event", (event) => this.#collect(/** @type {HubEvent} */ (event)));
    this.#client.addEventListener("hub-frame", (event) => this.#frameApplied(/** @type {HubFrameEvent} */ (event)));
    this.#client.addEventListener("hub-reset", (event) => this.#reset(/** @type {HubResetEvent} */ (event)));
    this.#client.addEventListener("hub-state", (event) => this.#stateChanged(/** @type {HubStateEvent} */ (event)));
    return this.load();
  }

  stop() {
    this.#end();
    this.#client.stop();
  }

  /** Load the first page and replace the items. The first time, the client starts from the page's cursor. */
  async load() {
    if (this.#state === FeedState.ENDED) return;
    if (this.#loading) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#loading = true;
    try {
      this.#replace(await this.#api.list());
    } catch (error) {
      this.#failed(error);
    }
    this.#loading = false;
    this.#changed();
    // Those rows may or may not include the waiting events; applying an event twice changes nothing.
    this.#applyWaiting();
    if (this.#again) this.#loadAgain();
  }

  /** @param {string} id may lie beyond the loaded items */
  async markRead(id) {
    if (this.#store.get(id)?.unread !== false)
      await this.#do("notification.read", [id], () => this.#api.markRead([id]));
  }

  async markAllRead() {
    const ids = this.#store.items.filter((item) => item.unread).map((item) => item.id);
    await this.#do("notification.read", ids, () => this.#api.markAllRead(), { unread: 0, unseen: 0 });
  }

  async markAllSeen() {
    if (this.#store.unseen === 0) return;
    const ids = this.#store.items.filter((item) => !item.seen).map((item) => item.id);
    await this.#do("notification.seen", ids, () => this.#api.markAllSeen(), { unseen: 0 });
  }

  /** @param {string} id */
  async archive(id) {
    await this.#do("notification.archived", [id], () => this.#api.archive([id]));
  }

  /**
   * Apply the change at once, and load the inbox again if the request fails.
   *
   * @param {string} kind
   * @param {string[]} ids
   * @param {() => Promise<unknown>} send
   * @param {{unread?: number, unseen?: number}} [counts]
   */
  async #do(kind, ids, send, counts = {}) {
    const change = this.#store.apply({ kind, data: { ids } });
    this.#store.setCounts({ unread: this.#store.unread, unseen: this.#store.unseen, ...counts });
    this.#changed(change);
    try {
      await send();
    } catch {
      this.#loadAgain();
    }
  }

  /** @param {Page} page */
  #replace(page) {
    const whole = page.next === null;
    this.#store.reset(page.results, { whole });
    if (!whole) this.#counts.soon();
    this.#state = FeedState.READY;
    this.#tries = 0;
    if (!this.#connected) this.#client.start(page.cursor);
    this.#connected = true;
  }

  /** @param {unknown} error */
  #failed(error) {
    if (this.#state === FeedState.ENDED) return;
    if (error instanceof ApiError && error.signedOut) return this.#end();
    this.#state = FeedState.FAILED;
    this.#loadAgain();
  }

  #loadAgain() {
    this.#again = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), backoff(this.#tries++, this.#random));
  }

  async #count() {
    try {
      this.#store.setCounts(await this.#api.count());
      this.#changed();
    } catch {
      // Keep the counts; the next load or check asks again.
    }
  }

  /** @param {HubEvent} event */
  #collect({ kind, data }) {
    this.#waiting.push({ kind, data });
  }

  /** @param {HubFrameEvent} event */
  #frameApplied({ cursor, more }) {
    this.#cursor = cursor;
    if (!more && !this.#loading) this.#applyWaiting();
  }

  #applyWaiting() {
    if (this.#waiting.length === 0) return;
    const change = this.#store.applyAll(this.#waiting.splice(0));
    if (change.reload) this.#loadAgain();
    if (change.recount) this.#counts.soon();
    if (change.touched) this.#counts.countChanged({ late: this.#client.state !== HubState.LIVE });
    this.#changed(change);
  }

  /** @param {HubResetEvent} event */
  #reset({ topics }) {
    if (topics.some((topic) => !this.#others.has(topic))) this.load();
  }

  /** @param {HubStateEvent} event */
  #stateChanged({ state }) {
    if (state === HubState.SIGNED_OUT) this.#end();
    this.#changed();
  }

  #end() {
    this.#state = FeedState.ENDED;
    clearTimeout(this.#timer);
    this.#counts.stop();
  }

  /** @param {Change | null} [change] */
  #changed(change = null) {
    this.dispatchEvent(new InboxChangedEvent(change, this.#cursor));
  }
}
