// @ts-check
/**
 * @import { HubClient } from "../client/hub-client.js"
 * @import { HubEvent, HubFrameEvent, HubResetEvent, HubStateEvent } from "../client/hub-events.js"
 * @import { InboxStore } from "./inbox-store.js"
 * @import { Change, InboxEvent } from "./store-effect.js"
 * @import { Report } from "./inbox-changes.js"
 * @import { NotificationsApi } from "./notifications-api.js"
 * @import { Page } from "../protocol/wire.js"
 */

import { backoff } from "../protocol/backoff.js";
import { HubState } from "../protocol/hub-state.js";
import { ApiError } from "../shared/api-error.js";
import { resultIn } from "./action-result.js";
import { CountCheck } from "./count-check.js";
import { GroupCheck } from "./group-check.js";
import { InboxChanges } from "./inbox-changes.js";
import { OlderPages } from "./older-pages.js";
import { StoreChange } from "./store-change.js";

/** The state of a feed; always exactly one of these. */
export const FeedState = Object.freeze({
  LOADING: "loading",
  READY: "ready",
  FAILED: "failed",
  ENDED: "ended",
});

/** @typedef {typeof FeedState[keyof typeof FeedState]} FeedStateName */

/** The most groups to ask for one by one. If more have changed, the list is loaded again. */
const GROUPS = 5;

/** @type {Report} */
const NO_REPORT = { done: () => undefined, failed: () => undefined };

/** The inbox has changed: its items, its counts or its state. */
export class InboxChangedEvent extends Event {
  /**
   * @param {Change | null} change null to render everything again
   * @param {string} cursor acknowledged once the fresh items were displayed
   * @param {Page | null} loaded the first page, if it was just loaded
   */
  constructor(change = null, cursor = "", loaded = null) {
    super("inbox-changed", { bubbles: true });
    this.change = change;
    this.cursor = cursor;
    this.loaded = loaded;
  }

  copy() {
    return new InboxChangedEvent(this.change, this.cursor, this.loaded);
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
  #groups;
  #older;
  #changes;
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
   * @param {Report} [options.report]
   * @param {Iterable<string>} [options.others] topics of the same connection that do not belong to the inbox
   * @param {() => number} [options.random]
   */
  constructor({ api, client, store, report = NO_REPORT, others = [], random = Math.random }) {
    super();
    this.#api = api;
    this.#client = client;
    this.#store = store;
    this.#others = new Set(others);
    this.#random = random;
    this.#counts = new CountCheck(() => this.#count(), random);
    this.#groups = new GroupCheck((keys) => this.#describe(keys), random);
    this.#older = new OlderPages({ api, store });
    this.#changes = new InboxChanges({ api, report, page: this.#forChanges });
  }

  get #forChanges() {
    return {
      recount: () => this.#counts.soon(),
      reload: () => this.#loadAgain(),
      signedOut: () => this.#signedOut(),
    };
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
    if (this.#isOver) return;
    if (this.#loading) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#loading = true;
    const page = await this.#api.list().catch((error) => this.#failed(error));
    if (page && !this.#isOver) this.#replace(page);
    this.#loading = false;
    this.dispatchEvent(new InboxChangedEvent(null, this.#cursor, this.#isOver ? null : page));
    // Those rows may or may not include the waiting events; applying an event twice changes nothing.
    this.#applyWaiting();
    if (this.#again) this.#loadAgain();
  }

  /** Fetch the counts soon: a change reached items that are not loaded. */
  recount() {
    this.#counts.soon();
  }

  /** @param {string} id may lie beyond the loaded items */
  async markRead(id) {
    if (this.#store.get(id)?.unread === false) return;
    await this.#changes.make({ mark: "read", ids: [id], groups: true, show: () => this.#showGroup("read", id) });
  }

  markAllRead() {
    const show = () => {
      const ids = this.#store.items.filter((item) => item.unread).map((item) => item.id);
      return this.#show("read", ids, { all: true });
    };
    return this.#changes.make({ mark: "read", ids: [], all: true, show });
  }

  /** @param {string} id */
  archive(id) {
    return this.#changes.make({
      mark: "archive",
      ids: [id],
      groups: true,
      show: () => this.#showGroup("archived", id),
    });
  }

  /**
   * Run an action of an item. It may be done already, by another person: then their result is returned.
   *
   * @param {string} id
   * @param {string} name
   * @param {string} word
   */
  async act(id, name, word) {
    const result = await resultIn(this.#api.act(id, name, word)).catch((error) => {
      // A 403 may only mean that the person may not run it.
      if (error.status === 401) this.#signedOut();
      throw error;
    });
    const { actions: _, ...item } = this.#store.get(id) ?? {};
    if ("id" in item) this.#changed(this.#store.apply({ kind: "notification.updated", data: { ...item, result } }));
    return result;
  }

  /** @param {string} id may lie beyond the loaded items */
  acknowledge(id) {
    return this.#changes.make({ mark: "acknowledge", ids: [id], show: () => this.#show("acknowledged", [id]) });
  }

  /**
   * Report items that were shown while earlier ones still wait, so that no push follows. A lost report only means one.
   *
   * @param {string[]} ids
   */
  async reportShown(ids) {
    await this.#api.shown(ids).catch(() => undefined);
  }

  /** @param {string} id of an item, whose thing is followed no more */
  unfollow(id) {
    const object = this.#store.get(id)?.reason?.object;
    return object ? this.#changes.unfollow(object) : undefined;
  }

  async markAllSeen() {
    const { unread, unseen } = this.#store;
    if (unseen === 0) return;
    const ids = this.#store.items.filter((item) => !item.seen).map((item) => item.id);
    const change = this.#store.apply({ kind: "notification.seen", data: { ids } });
    this.#store.setCounts({ unread, unseen: 0 });
    this.#changed(change);
    // The person asked for nothing, so a failure is not reported.
    await this.#api.markAllSeen().catch(() => this.#loadAgain());
  }

  /**
   * @param {"read" | "archived"} event
   * @param {string} id of an item that may stand for a group
   */
  #showGroup(event, id) {
    const { ids, count } = this.#store.groupOf(id);
    return this.#show(event, ids, { more: count - ids.length });
  }

  /**
   * @param {"read" | "archived" | "acknowledged"} event
   * @param {string[]} ids
   * @param {{all?: boolean, more?: number}} [beyond]
   */
  #show(event, ids, beyond) {
    const changed = (/** @type {Change | undefined} */ change) => {
      if (change?.recount) this.#counts.soon();
      if (change?.reload) this.#loadAgain();
      if (change) this.#groups.soon(change.groups);
      this.#changed(change);
    };
    return new StoreChange({ store: this.#store, changed, event, ids, ...beyond });
  }

  /** How much of the inbox is shown. */
  get older() {
    return this.#older;
  }

  async showOlder() {
    await this.#older.showNext(() => this.#changed()).catch((error) => this.#endIfSignedOut(error));
    if (this.#isOver) this.#changed();
  }

  /** @param {Page} page */
  #replace(page) {
    // A group has more items than the page lists.
    const whole = page.next === null && !page.results.some(({ group }) => group?.count);
    this.#store.reset(page.results, { whole }, page.unconfirmed);
    this.#older.reset(page);
    if (!whole) this.#counts.soon();
    this.#state = FeedState.READY;
    this.#tries = 0;
    if (!this.#connected) this.#client.start(page.cursor);
    this.#connected = true;
  }

  /** @param {unknown} error */
  #failed(error) {
    if (this.#isOver || this.#endIfSignedOut(error)) return null;
    this.#state = FeedState.FAILED;
    this.#loadAgain();
    return null;
  }

  /** @param {unknown} error */
  #endIfSignedOut(error) {
    const isSignedOut = error instanceof ApiError && error.signedOut;
    if (isSignedOut) this.#end();
    return isSignedOut;
  }

  #loadAgain() {
    this.#again = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), backoff(this.#tries++, this.#random));
  }

  async #count() {
    try {
      const counts = await this.#api.count();
      if (!this.#isOver) this.#store.setCounts(counts);
    } catch (error) {
      // Keep the counts; the next load or check asks again.
      this.#endIfSignedOut(error);
    }
    this.#changed();
  }

  /** @param {string[]} keys of groups that have changed */
  async #describe(keys) {
    if (keys.length > GROUPS) return this.#loadAgain();
    for (const key of keys) {
      const page = await this.#api.group(key).catch((error) => void this.#endIfSignedOut(error));
      if (page && !this.#isOver) this.#changed(this.#store.describe(key, page));
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
    if (this.#waiting.length === 0 || this.#isOver) return;
    const events = this.#waiting.splice(0);
    for (const event of events) this.#changes.confirm(event);
    this.#older.note(events);
    const change = this.#store.applyAll(events);
    if (change.reload) this.#loadAgain();
    if (change.recount) this.#counts.soon();
    this.#groups.soon(change.groups);
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

  #signedOut() {
    this.#end();
    this.#changed();
  }

  /** Forget everything: nobody may read it here any more. */
  #end() {
    this.#state = FeedState.ENDED;
    clearTimeout(this.#timer);
    this.#counts.stop();
    this.#groups.stop();
    this.#changes.end();
    this.#waiting = [];
    this.#store.reset([], { whole: true });
    this.#older.reset({ results: [], next: null, cursor: "" });
  }

  get #isOver() {
    return this.#state === FeedState.ENDED;
  }

  /** @param {Change | null} [change] */
  #changed(change = null) {
    this.dispatchEvent(new InboxChangedEvent(change, this.#cursor));
  }
}
