// @ts-check
/**
 * @import { InboxStore } from "./inbox-store.js"
 * @import { Change } from "./store-effect.js"
 * @import { Counts, Item } from "../protocol/wire.js"
 */

/** A change applied to the store of the bell, and the ways back. */
export class StoreChange {
  #store;
  #changed;
  #kind;
  #ids;
  #all;
  #more;
  /** The items before the change. @type {Map<string, Item>} */
  #before = new Map();
  /** The counts of items that are not loaded. @type {Counts} */
  #beyond = { unread: 0, unseen: 0 };

  /**
   * @param {object} options
   * @param {InboxStore} options.store
   * @param {(change?: Change) => void} options.changed called after each change of the store
   * @param {"read" | "unread" | "archived" | "acknowledged"} options.event
   * @param {string[]} options.ids the loaded items that it changes
   * @param {boolean} [options.all] whether it also changes items that are not loaded
   * @param {number} [options.more] how many unread ones of a group that are not loaded it also changes
   */
  constructor({ store, changed, event, ids, all = false, more = 0 }) {
    this.#store = store;
    this.#changed = changed;
    this.#kind = `notification.${event}`;
    this.#ids = ids;
    this.#all = all;
    this.#more = more;
    for (const id of ids) {
      const item = store.get(id);
      if (item) this.#before.set(id, item);
    }
    this.redo();
  }

  get count() {
    return this.#before.size + this.#beyond.unread;
  }

  redo() {
    const change = this.#store.apply({ kind: this.#kind, data: { ids: this.#ids } });
    const { unread, unseen } = this.#store;
    this.#beyond = this.#all ? { unread, unseen } : { unread: Math.min(this.#more, unread), unseen: 0 };
    this.#store.setCounts({ unread: unread - this.#beyond.unread, unseen: unseen - this.#beyond.unseen });
    this.#changed(change);
  }

  /** @param {Set<string>} confirmed */
  revert(confirmed) {
    const items = [...this.#before.values()].filter(({ id }) => !confirmed.has(id));
    this.#changed(this.#store.restore(items, this.#beyond));
  }

  /** Restore what an undo restores: what was read stays seen. */
  undo() {
    const isRead = this.#kind === "notification.read";
    const items = [...this.#before.values()].map((item) => (isRead ? { ...item, seen: true } : item));
    this.#changed(this.#store.restore(items, { unread: this.#beyond.unread, unseen: 0 }));
  }
}
