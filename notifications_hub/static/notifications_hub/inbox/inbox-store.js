// @ts-check
/**
 * @import { Counts, Item, Page, Unconfirmed } from "../protocol/wire.js"
 * @import { Change, InboxEvent } from "./store-effect.js"
 */
import { ItemGroups } from "./item-groups.js";
import { isInScope, isNews, isUnconfirmed, isUnread, isUnseen, stateOf } from "./item-state.js";
import { KeptItems } from "./kept-items.js";
import { idsOf, noChange } from "./store-effect.js";

/** The server counts no further. A count that reached this may stand for any higher number. */
const CAP = 100;

/** The state of the inbox on this page, computed from events. An event that is applied twice changes nothing. */
export class InboxStore {
  #items = new KeptItems();
  /** How many the person must confirm, as far as the page knows. */
  #unconfirmed = 0;
  #groups = new ItemGroups();
  /** @type {Counts} */
  #counts;
  #scope;

  /**
   * @param {Counts} [counts]
   * @param {string | null} [scope] the part of the inbox that it lists and counts; null: all of it
   */
  constructor(counts = { unread: 0, unseen: 0 }, scope = null) {
    this.#counts = { ...counts };
    this.#scope = scope;
  }

  get unread() {
    return this.#counts.unread;
  }

  get unseen() {
    return this.#counts.unseen;
  }

  /** How many the person must confirm. */
  get unconfirmed() {
    return this.#unconfirmed;
  }

  /** The loaded items that the person must confirm, newest first. */
  get pinned() {
    return this.#items.unconfirmed;
  }

  /** The items, newest first. The newest of a group stands for its unread ones. */
  get items() {
    return this.#groups.heads(this.#items.newestFirst);
  }

  /**
   * Return the loaded items that a change of this one changes too, because it stands for them, and their number in all.
   *
   * @param {string} id
   */
  groupOf(id) {
    const item = this.get(id);
    if (!item?.group || !item.unread) return { ids: [id], count: 1 };
    return this.#groups.under(item, this.#items.newestFirst);
  }

  /**
   * Take over what the server says of a group, and its newest. Return the effect on what is shown.
   *
   * @param {string} key
   * @param {Page} page
   * @returns {Change}
   */
  describe(key, { results: [newest], group }) {
    this.#groups.describe(key, group);
    const change = noChange();
    change.touched = true;
    // The counts include it.
    if (newest && !this.get(newest.id) && this.lists(newest)) this.#items.set(newest);
    const head = this.items.find((item) => item.unread && item.group?.key === key);
    if (head) change.updated.push(head);
    return change;
  }

  /**
   * Return whether the item belongs to this inbox. An item of another scope only gets a toast.
   *
   * @param {Item} item
   */
  lists(item) {
    return isInScope(item, this.#scope);
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
   * @param {Unconfirmed} [top] what the person must confirm
   */
  reset(items, { whole }, { results, count } = { results: [], count: 0 }) {
    this.#items.reset(items, results);
    this.#unconfirmed = count;
    this.#groups.reset(items);
    if (whole) this.#counts = { unread: this.#items.sum(isUnread), unseen: this.#items.sum(isUnseen) };
  }

  /**
   * Add the items of a further page, which the counts include already. Return how many were unknown.
   *
   * @param {Item[]} items
   */
  append(items) {
    const added = this.#items.append(items);
    this.#groups.add(added);
    return added.length;
  }

  /** @param {number} count how many items to keep, if more than usual */
  keep(count) {
    this.#items.keep(count);
  }

  /** Return when the newest item dropped since the last call was created, or null if none was dropped. */
  takeDropped() {
    return this.#items.takeDropped();
  }

  /**
   * Put items back as they were before a change that failed or was undone.
   *
   * @param {Item[]} items
   * @param {Counts} beyond the counts of items that are not loaded
   */
  restore(items, beyond) {
    const change = noChange();
    for (const item of items) {
      const known = this.get(item.id);
      this.#put(known ? { ...known, ...stateOf(item) } : item, change);
    }
    this.setCounts({ unread: this.unread + beyond.unread, unseen: this.unseen + beyond.unseen });
    return change;
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
    const current = new Map(change.fresh.map((item) => [item.id, this.lists(item) ? this.get(item.id) : item]));
    const fresh = [...current.values()].filter((item) => item !== undefined).filter((item) => !over.has(item.id));
    change.fresh = fresh.map((item) => this.#groups.headOf(item, this.#items.newestFirst));
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
      case "notification.acknowledged": // of this page only: the server sends the whole item
        this.#gone(data, change);
        return this.#mark(data, { unread: false, seen: true, acknowledged_at: new Date().toISOString() }, change);
      case "notification.unread":
        return this.#mark(data, { unread: true }, change);
      case "notification.seen":
        change.delivered.push(...idsOf(data, change));
        return this.#mark(data, { seen: true }, change);
      case "notification.delivered":
        return this.#delivered(data, change);
      case "following.updated":
        return this.#followed(data, change);
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
    if (this.lists(item) && !this.get(item.id)) {
      if (item.group) this.#groups.grow(item.group.key);
      this.#put(item, change);
    }
    const known = this.lists(item) ? this.get(item.id) : item;
    if (!known || !isNews(known)) return;
    // What was snoozed comes back: whatever happened to it before is over.
    change.gone = change.gone.filter((id) => id !== item.id);
    change.delivered = change.delivered.filter((id) => id !== item.id);
    change.fresh.push(known);
  }

  /**
   * @param {Item} item
   * @param {Change} change
   */
  #update(item, change) {
    change.updated.push(item);
    if (!this.lists(item)) return;
    // Not on our page: only the server knows whether the counts include it.
    change.recount ||= !this.get(item.id);
    // Confirmed, here or elsewhere: no toast and no push asks for it any more.
    if (item.acknowledged_at) this.#gone({ ids: [item.id] }, change);
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
    const known = this.get(item.id);
    if (!known) return;
    const { archived, delivered } = known;
    this.#put({ ...item, ...stateOf(known), archived, delivered }, change);
  }

  /**
   * @param {{ids?: string[]}} data
   * @param {Partial<Item>} state
   * @param {Change} change
   */
  #mark(data, state, change) {
    for (const id of idsOf(data, change)) {
      const item = this.get(id);
      if (item) this.#put({ ...item, ...state }, change);
      else this.#unknown(change);
    }
  }

  /**
   * Something changed that is not loaded: only the server knows the counts, and whether it belongs to a group.
   *
   * @param {Change} change
   */
  #unknown(change) {
    change.recount = true;
    for (const key of this.#groups.keys) change.groups.add(key);
  }

  /**
   * @param {{ids?: string[]}} data
   * @param {Change} change
   */
  #delivered(data, change) {
    for (const id of idsOf(data, change)) {
      const item = this.get(id);
      if (item) this.#items.set({ ...item, delivered: true });
      change.delivered.push(id);
    }
  }

  /**
   * Offer to unfollow a thing only while it is followed.
   *
   * @param {{object: string, following: boolean}} data
   * @param {Change} change
   */
  #followed({ object, following }, change) {
    for (const item of this.items) {
      if (item.reason?.object !== object) continue;
      this.#put({ ...item, reason: { ...item.reason, unfollowed: !following } }, change);
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
      const item = this.get(id);
      this.#items.delete(id);
      if (item) this.#adjustCounts(item, undefined, change);
      else this.#unknown(change);
    }
  }

  /**
   * @param {Item} item
   * @param {Change} change
   */
  #put(item, change) {
    this.#adjustCounts(this.get(item.id), item, change);
    this.#items.set(item);
    if (this.#items.areTooMany) this.#items.drop(this.items);
  }

  /**
   * @param {Item | undefined} before
   * @param {Item | undefined} after
   * @param {Change} change
   */
  #adjustCounts(before, after, change) {
    const group = (after ?? before)?.group;
    if (group && isUnread(before) !== isUnread(after)) change.groups.add(group.key);
    this.#adjust("unread", isUnread(after) - isUnread(before), change);
    this.#adjust("unseen", isUnseen(after) - isUnseen(before), change);
    const more = Number(isUnconfirmed(after)) - Number(isUnconfirmed(before));
    this.#unconfirmed += more;
    // Others that the page lacks move up.
    change.reload ||= more < 0 && this.#unconfirmed >= this.pinned.length;
    change.touched = true;
  }

  /**
   * Only the server knows what is left of a capped count.
   *
   * @param {keyof Counts} name
   * @param {number} more
   * @param {Change} change
   */
  #adjust(name, more, change) {
    if (more < 0 && this.#counts[name] >= CAP) change.recount = true;
    else this.#counts[name] = Math.max(0, this.#counts[name] + more);
  }
}
