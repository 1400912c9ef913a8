// @ts-check
/** @import { Counts, Item } from "../protocol/wire.js" */

const KEPT = 100;

/**
 * The effect of one or more events.
 *
 * @typedef {object} Change
 * @property {boolean} touched the list or a count changed
 * @property {Item[]} fresh new and not delivered yet: to be shown as toasts
 * @property {string[]} delivered reached the person in another way: not to be shown any more, but visible toasts stay
 * @property {string[]} gone read, archived or deleted: visible toasts are removed too
 * @property {boolean} recount whether the counts must be fetched
 * @property {boolean} reload whether the list must be fetched
 *
 * @typedef {{kind: string, data: any}} InboxEvent
 */

/** The state of the inbox on this page, computed from events. An event that is applied twice changes nothing. */
export class InboxStore {
  /** The newest items without archived ones. @type {Map<string, Item>} */
  #items = new Map();
  /** @type {Counts} */
  #counts;

  /** @param {Counts} [counts] */
  constructor(counts = { unread: 0, unseen: 0 }) {
    this.#counts = { ...counts };
  }

  get unread() {
    return this.#counts.unread;
  }

  get unseen() {
    return this.#counts.unseen;
  }

  /** The items, newest first. */
  get items() {
    return [...this.#items.values()].sort(newestFirst);
  }

  /** @param {string} id */
  get(id) {
    return this.#items.get(id);
  }

  /**
   * Replace the items by a first page.
   *
   * @param {Item[]} items
   * @param {{whole: boolean}} how whether there is no second page, so that the counts can be computed from the items
   */
  reset(items, { whole }) {
    this.#items = new Map(items.filter((item) => !item.archived).map((item) => [item.id, item]));
    if (whole) this.#counts = { unread: this.#countOf(isUnread), unseen: this.#countOf(isUnseen) };
  }

  /** @param {Counts} counts */
  setCounts({ unread, unseen }) {
    this.#counts = { unread, unseen };
  }

  /**
   * @param {InboxEvent[]} events in order
   * @returns {Change}
   */
  applyAll(events) {
    const change = noChange();
    for (const event of events) this.#apply(event, change);
    const over = new Set([...change.delivered, ...change.gone]);
    const current = new Map(change.fresh.map(({ id }) => [id, this.#items.get(id)]));
    change.fresh = [...current.values()].filter((item) => item !== undefined).filter((item) => !over.has(item.id));
    return change;
  }

  /** @param {InboxEvent} event */
  apply(event) {
    return this.applyAll([event]);
  }

  /**
   * @param {InboxEvent} event
   * @param {Change} change
   */
  #apply({ kind, data }, change) {
    switch (kind) {
      case "notification.created":
      case "announcement.created":
        return this.#create(data, change);
      case "notification.updated":
        return this.#update(data, change);
      case "announcement.updated":
        return this.#updateWords(data, change);
      case "notification.read":
        this.#gone(data, change);
        return this.#mark(data, { unread: false, seen: true }, change);
      case "notification.unread":
        return this.#mark(data, { unread: true }, change);
      case "notification.seen":
        change.delivered.push(...idsOf(data, change));
        return this.#mark(data, { seen: true }, change);
      case "notification.delivered":
        return this.#delivered(data, change);
      case "notification.archived":
      case "notification.deleted":
      case "announcement.withdrawn":
        this.#gone(data, change);
        return this.#remove(data, change);
    }
  }

  /**
   * Add a new item. A loaded row is at least as new as its creation event, so it stays as it is, but may need a toast.
   *
   * @param {Item} item
   * @param {Change} change
   */
  #create(item, change) {
    if (!this.#items.has(item.id)) this.#put(item, change);
    const known = this.#items.get(item.id);
    if (known && isNews(known)) change.fresh.push(known);
  }

  /**
   * @param {Item} item
   * @param {Change} change
   */
  #update(item, change) {
    // Not on our page: only the server knows whether the counts include it.
    change.recount ||= !this.#items.has(item.id);
    if (item.archived) this.#apply({ kind: "notification.archived", data: { ids: [item.id] } }, change);
    else this.#put(item, change);
  }

  /**
   * Update an announcement's words. Its event goes to everyone, so it does not contain this person's state. An unknown
   * announcement is older than everything on our page.
   *
   * @param {Item} item
   * @param {Change} change
   */
  #updateWords(item, change) {
    const known = this.#items.get(item.id);
    if (!known) return;
    const { unread, seen, archived, delivered } = known;
    this.#put({ ...item, unread, seen, archived, delivered }, change);
  }

  /**
   * @param {{ids?: string[]}} data
   * @param {Partial<Item>} state
   * @param {Change} change
   */
  #mark(data, state, change) {
    for (const id of idsOf(data, change)) {
      const item = this.#items.get(id);
      if (item) this.#put({ ...item, ...state }, change);
      else change.recount = true;
    }
  }

  /**
   * @param {{ids?: string[]}} data
   * @param {Change} change
   */
  #delivered(data, change) {
    for (const id of idsOf(data, change)) {
      const item = this.#items.get(id);
      if (item) this.#items.set(id, { ...item, delivered: true });
      change.delivered.push(id);
    }
  }

  /**
   * @param {{ids?: string[]}} data
   * @param {Change} change
   */
  #gone(data, change) {
    change.gone.push(...idsOf(data, change));
  }

  /**
   * @param {{ids?: string[]}} data
   * @param {Change} change
   */
  #remove(data, change) {
    for (const id of idsOf(data, change)) {
      const item = this.#items.get(id);
      this.#items.delete(id);
      if (item) this.#adjustCounts(item, undefined, change);
      else change.recount = true;
    }
  }

  /**
   * @param {Item} item
   * @param {Change} change
   */
  #put(item, change) {
    this.#adjustCounts(this.#items.get(item.id), item, change);
    this.#items.set(item.id, item);
    for (const { id } of this.#items.size > KEPT ? this.items.slice(KEPT) : []) this.#items.delete(id);
  }

  /**
   * @param {Item | undefined} before
   * @param {Item | undefined} after
   * @param {Change} change
   */
  #adjustCounts(before, after, change) {
    this.#counts.unread = Math.max(0, this.#counts.unread + isUnread(after) - isUnread(before));
    this.#counts.unseen = Math.max(0, this.#counts.unseen + isUnseen(after) - isUnseen(before));
    change.touched = true;
  }

  /** @param {(item: Item) => number} test */
  #countOf(test) {
    return [...this.#items.values()].reduce((sum, item) => sum + test(item), 0);
  }
}

/** @returns {Change} */
function noChange() {
  return { touched: false, fresh: [], delivered: [], gone: [], recount: false, reload: false };
}

/**
 * Return the ids of a change. A change may name a range of the log instead, which only the server can resolve.
 *
 * @param {{ids?: string[]}} data
 * @param {Change} change
 */
function idsOf(data, change) {
  if (Array.isArray(data?.ids)) return data.ids;
  change.reload = true;
  return [];
}

/** @param {Item | undefined} item */
function isUnread(item) {
  return Number(item?.unread ?? false);
}

/** @param {Item | undefined} item */
function isUnseen(item) {
  return Number(item ? item.unread && !item.seen : false);
}

/**
 * Return whether the item still needs a toast.
 *
 * @param {Item} item
 */
export function isNews(item) {
  return item.toast && item.unread && !item.seen && !item.delivered;
}

/**
 * @param {Item} a
 * @param {Item} b
 */
function newestFirst(a, b) {
  return Date.parse(b.at) - Date.parse(a.at) || b.id.localeCompare(a.id, undefined, { numeric: true });
}
