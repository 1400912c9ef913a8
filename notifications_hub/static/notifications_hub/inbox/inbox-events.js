// @ts-check
/**
 * @import { HubEvent } from "../client/hub-events.js"
 * @import { InboxCards } from "./inbox-cards.js"
 * @import { InboxPaging } from "./inbox-paging.js"
 * @import { Item } from "../protocol/wire.js"
 */
import { part } from "../shared/dom.js";
import { isListed, stateOf } from "./card-state.js";
import { fillActions } from "./item-actions.js";
import { isInScope, isUnconfirmed } from "./item-state.js";

/** Applies the hub's events to the inbox page: marks and removes its cards, and offers what is new. */
export class InboxEvents {
  #root;
  #cards;
  #paging;
  #leave;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root the `<inbox-page>`
   * @param {InboxCards} options.cards
   * @param {InboxPaging} options.paging
   * @param {(ids: string[]) => void} options.leave removes cards that left the list
   */
  constructor({ root, cards, paging, leave }) {
    this.#root = root;
    this.#cards = cards;
    this.#paging = paging;
    this.#leave = leave;
  }

  /** @param {HubEvent} event */
  apply({ kind, data }) {
    switch (kind) {
      case "notification.created":
      case "announcement.created":
        return this.#join(data);
      case "notification.updated":
        if (!this.#lists(data)) return;
        if (this.#cards.hasGroup(data)) this.#paging.regroup();
        if (this.#cards.standsFor(data)) return;
        this.#move([data.id], isListed(data, this.#show), Boolean(data.saved));
        for (const card of this.#cards.some([data.id])) {
          fillActions(card, data);
          const { unread, saved = false, archived, snoozed_until: until = "" } = data;
          this.#cards.show(card, { unread, saved, archived, until });
        }
        if (data.must_acknowledge) this.#cards.confirm(this.#cards.some([data.id]), !isUnconfirmed(data));
        return;
      case "notification.read":
      case "notification.unread":
        return this.#mark(data.ids ?? [], kind === "notification.unread");
      case "notification.archived":
        this.#regroup(data.ids ?? []);
        return this.#archived(data);
      case "announcement.updated":
        if (this.#cards.has(data.id)) this.#paging.refetch();
        return;
      case "notification.deleted":
      case "announcement.withdrawn":
        this.#regroup(data.ids ?? []);
        return this.#leave(data.ids ?? []);
    }
  }

  /**
   * @param {string[]} ids
   * @param {boolean} unread
   */
  #mark(ids, unread) {
    this.#cards.mark(this.#cards.some(ids), unread);
    if (this.#cards.mayGroup(ids)) return this.#paging.regroup();
    const isUnknown = unread && !ids.every((id) => this.#cards.has(id));
    // With more pages to come, an unknown row may belong to one of those.
    if (isUnknown && this.#root.dataset.show === "unread" && !part(this.#root, "older")) this.#offer();
  }

  /**
   * Remove what left this list, and show where saved ones are.
   *
   * @param {{ids?: string[], snoozed_until?: string}} data
   */
  #archived({ ids = [], snoozed_until: until = "" }) {
    if (this.#show !== "saved") this.#move(ids, isListed({ archived: true, snoozed_until: until }, this.#show));
    for (const card of this.#cards.some(ids)) this.#cards.show(card, { ...stateOf(card), archived: true, until });
  }

  /**
   * Offer what is new, except in lists of what was put aside. What was snoozed comes back as a new one.
   *
   * @param {Item} item
   */
  #join(item) {
    const { group } = this.#root.dataset;
    const show = this.#show;
    if (show === "snoozed") return this.#leave([item.id]);
    for (const card of this.#cards.some([item.id])) {
      this.#cards.show(card, { ...stateOf(card), unread: item.unread, archived: false, until: "" });
    }
    const isNew = this.#lists(item) && !this.#cards.has(item.id);
    const mayJoin = show === "all" || show === "unread" || show === "group";
    if (isNew && this.#cards.isGrouped && this.#cards.hasGroup(item)) return this.#paging.regroup();
    const belongs = show === "unconfirmed" ? isUnconfirmed(item) : mayJoin && (!group || item.group?.key === group);
    if (belongs && isNew) this.#offer();
  }

  get #show() {
    return this.#root.dataset.show ?? "all";
  }

  /** @param {string[]} ids of rows that leave, which a card may stand for */
  #regroup(ids) {
    if (this.#cards.mayGroup(ids)) this.#paging.regroup();
  }

  /** @param {Item} item */
  #lists(item) {
    return isInScope(item, this.#root.getAttribute("scope")) && this.#cards.listsKind(item.kind);
  }

  /** Offer what is new. A search does not, because only the server knows what it finds. */
  #offer() {
    if (!this.#root.hasAttribute("data-search")) this.#paging.offerNews();
  }

  /**
   * Remove what left this list, here or in another tab, and offer what joined it.
   *
   * @param {string[]} ids
   * @param {boolean} isListed whether these belong to this list, unless it is the one of saved ones
   * @param {boolean} [isSaved]
   */
  #move(ids, isListed, isSaved = false) {
    if (!(this.#show === "saved" ? isSaved : isListed)) this.#leave(ids);
    else if (!this.#cards.bringBack(ids)) this.#offer();
  }
}
