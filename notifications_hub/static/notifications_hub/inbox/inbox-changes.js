// @ts-check
/**
 * @import { Changed, NotificationsApi } from "./notifications-api.js"
 * @import { Change, InboxStore } from "./inbox-store.js"
 * @import { Counts, Item } from "../protocol/wire.js"
 */
import { ApiError } from "../shared/api-error.js";

/**
 * How a change ended, for the person.
 *
 * @typedef {object} Report
 * @property {(done: {change: string, count: number, undo: (() => Promise<void>) | null, key: string}) => void} done
 * @property {(failed: {change: string, error: unknown, retry: () => Promise<void>, key: string}) => void} failed
 *
 * @typedef {object} Action
 * @property {"archived" | "read"} change
 * @property {string[]} ids the loaded items that it changes
 * @property {boolean} [all] whether it also changes items that are not loaded
 * @property {() => Promise<Changed>} send
 */

/** Changes by the person. Each is applied at once; it is reverted if the request fails, and when the person undoes it. */
export class InboxChanges {
  #api;
  #store;
  #report;
  #feed;
  /** Changes whose request is under way. @type {Set<Applied>} */
  #underWay = new Set();
  #isOver = false;

  /**
   * @param {object} options
   * @param {NotificationsApi} options.api
   * @param {InboxStore} options.store
   * @param {Report} options.report
   * @param {{changed(change?: Change): void, recount(): void, reload(): void, signedOut(): void}} options.feed
   */
  constructor({ api, store, report, feed }) {
    this.#api = api;
    this.#store = store;
    this.#report = report;
    this.#feed = feed;
  }

  /** @param {string} id */
  archive(id) {
    return this.#make({ change: "archived", ids: [id], send: () => this.#api.archive([id]) });
  }

  /** @param {string} id may lie beyond the loaded items */
  async markRead(id) {
    if (this.#store.get(id)?.unread === false) return;
    await this.#make({ change: "read", ids: [id], send: () => this.#api.markRead([id]) });
  }

  markAllRead() {
    const ids = this.#store.items.filter((item) => item.unread).map((item) => item.id);
    return this.#make({ change: "read", ids, all: true, send: () => this.#api.markAllRead() });
  }

  async markAllSeen() {
    const { unread, unseen } = this.#store;
    if (unseen === 0) return;
    const ids = this.#store.items.filter((item) => !item.seen).map((item) => item.id);
    const change = this.#store.apply({ kind: "notification.seen", data: { ids } });
    this.#store.setCounts({ unread, unseen: 0 });
    this.#feed.changed(change);
    // The person asked for nothing, so a failure is not reported.
    await this.#api.markAllSeen().catch(() => this.#feed.reload());
  }

  /**
   * Note an event of the hub: what the server has done is not reverted, even if its answer gets lost.
   *
   * @param {string} kind
   * @param {any} data
   */
  confirm(kind, data) {
    for (const applied of this.#underWay) applied.confirm(kind, data?.ids ?? []);
  }

  /** Report and revert nothing any more: the session is over. */
  end() {
    this.#isOver = true;
  }

  /** @param {Action} action */
  async #make(action) {
    const key = `${action.change} ${action.all ? "all" : action.ids}`;
    if (this.#isOver || [...this.#underWay].some((applied) => applied.key === key)) return;
    const applied = new Applied(action, key, this.#store);
    this.#underWay.add(applied);
    this.#feed.changed(applied.change);
    try {
      const { changed, undo } = await action.send();
      this.#done(applied, changed, undo ?? "");
    } catch (error) {
      this.#failed(applied, error);
    } finally {
      this.#underWay.delete(applied);
    }
  }

  /**
   * @param {Applied} applied
   * @param {number} count
   * @param {string} token
   */
  #done(applied, count, token) {
    if (this.#isOver) return;
    const { change } = applied.action;
    const undo = token ? () => this.#undo(applied, token) : null;
    this.#report.done({ change, count, undo, key: applied.key });
  }

  /**
   * @param {Applied} applied
   * @param {unknown} error
   */
  #failed(applied, error) {
    if (this.#isOver || this.#signedOut(error)) return;
    applied.revert();
    this.#feed.changed();
    this.#feed.recount();
    const { action, key } = applied;
    const retry = () => (action.all ? this.markAllRead() : this.#make(action));
    this.#report.failed({ change: action.change, error, retry, key });
  }

  /**
   * @param {Applied} applied
   * @param {string} token
   */
  async #undo(applied, token) {
    if (this.#isOver) return;
    applied.undo();
    this.#feed.changed();
    try {
      await this.#api.undo(token);
    } catch (error) {
      if (this.#isOver || this.#signedOut(error)) return;
      this.#feed.changed(applied.redo());
      this.#feed.reload();
      this.#report.failed({
        change: "undo",
        error,
        retry: () => this.#undo(applied, token),
        key: `undo ${applied.key}`,
      });
    }
  }

  /**
   * End the feed if the session is over. A 403 may also mean a stale token: the check of the counts will know.
   *
   * @param {unknown} error
   */
  #signedOut(error) {
    const isSignedOut = error instanceof ApiError && error.status === 401;
    if (isSignedOut) this.#feed.signedOut();
    return isSignedOut;
  }
}

/** A change applied to the store, and the way back. */
class Applied {
  #store;
  #kind;
  /** The items before the change. @type {Map<string, Item>} */
  #before = new Map();
  /** The counts of items that are not loaded. @type {Counts} */
  #beyond = { unread: 0, unseen: 0 };
  /** @type {Set<string>} */
  #confirmed = new Set();

  /**
   * @param {Action} action
   * @param {string} key
   * @param {InboxStore} store
   */
  constructor(action, key, store) {
    this.#store = store;
    this.#kind = `notification.${action.change}`;
    this.action = action;
    this.key = key;
    for (const id of action.ids) {
      const item = store.get(id);
      if (item) this.#before.set(id, item);
    }
    this.change = this.redo();
  }

  redo() {
    const change = this.#store.apply({ kind: this.#kind, data: { ids: this.action.ids } });
    if (this.action.all) {
      this.#beyond = { unread: this.#store.unread, unseen: this.#store.unseen };
      this.#store.setCounts({ unread: 0, unseen: 0 });
    }
    return change;
  }

  /**
   * @param {string} kind
   * @param {string[]} ids
   */
  confirm(kind, ids) {
    if (kind !== this.#kind && !/deleted|withdrawn/.test(kind)) return;
    for (const id of ids) this.#confirmed.add(id);
  }

  /** Restore what the server did not change. */
  revert() {
    const items = [...this.#before.values()].filter(({ id }) => !this.#confirmed.has(id));
    this.#store.restore(items, this.#beyond);
  }

  /** Restore what an undo restores: what was read stays seen. */
  undo() {
    const isRead = this.action.change === "read";
    const items = [...this.#before.values()].map((item) => (isRead ? { ...item, seen: true } : item));
    this.#store.restore(items, { unread: this.#beyond.unread, unseen: 0 });
  }
}
