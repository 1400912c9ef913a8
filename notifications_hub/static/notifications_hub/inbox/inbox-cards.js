// @ts-check
/**
 * @import { CardState } from "./card-state.js"
 * @import { Item, ItemGroup, Page, Unconfirmed } from "../protocol/wire.js"
 */
import { copyOf, part, setText } from "../shared/dom.js";
import { stateOf } from "./card-state.js";
import { PINNED } from "./item-state.js";
import { dayOf, dayTitle, showTime } from "./item-times.js";
import { showSnoozed } from "./snooze-menu.js";

/** The server-rendered cards of the inbox page, newest first, under one heading for each day of the viewer's zone. */
export class InboxCards {
  #root;
  /** Cards that left the page, by id: an undo may bring them back. @type {Map<string, HTMLElement>} */
  #left = new Map();

  /** @param {HTMLElement} root the `<inbox-page>` */
  constructor(root) {
    this.#root = root;
  }

  get all() {
    return cardsIn(this.#days);
  }

  /** Return whether the list has notifications of this kind. @param {string} kind */
  listsKind(kind) {
    const { kinds } = this.#root.dataset;
    return kinds === undefined || kinds.split(" ").includes(kind);
  }

  /** @param {string[]} ids */
  some(ids) {
    return this.all.filter((card) => ids.includes(idOf(card)));
  }

  /** @param {string} id */
  has(id) {
    return this.some([id]).length > 0;
  }

  /** Whether the newest of a group stands for all of it. A search, and what was put aside, list each singly. */
  get isGrouped() {
    return this.#root.hasAttribute("data-grouped");
  }

  /**
   * Return whether a card is of the item's group.
   *
   * @param {{group?: ItemGroup}} item
   */
  hasGroup({ group }) {
    return group !== undefined && this.all.some((card) => groupOf(card) === group.key);
  }

  /**
   * Return whether another card stands for the item, because it is newer and of the same group.
   *
   * @param {Item} item
   */
  standsFor({ id, unread, archived, group }) {
    const isMember = group !== undefined && unread && !archived && !this.has(id);
    return isMember && this.isGrouped && this.hasGroup({ group });
  }

  /**
   * Return whether a change of these may change what a card stands for: one is of a group, or is not on the page.
   *
   * @param {string[]} ids
   */
  mayGroup(ids) {
    const isGroup = (/** @type {HTMLElement} */ card) => part(card, "group") !== null;
    const groups = this.isGrouped ? this.all.filter(isGroup) : [];
    return groups.length > 0 && (groups.some((card) => ids.includes(idOf(card))) || !ids.every((id) => this.has(id)));
  }

  /**
   * Take over the groups of a freshly fetched page: the newest of each stands in the place of the one before.
   *
   * @param {HTMLElement[]} fetched
   */
  regroup(fetched) {
    const known = new Set(this.all.map(groupOf));
    this.update(fetched, { isLast: false });
    for (const card of fetched.filter((one) => known.has(groupOf(one)) && groupOf(one) && !this.has(idOf(one)))) {
      // One that was read meanwhile stands alone now.
      const old = this.all.filter((one) => isUnread(one) && groupOf(one) === groupOf(card));
      const hadFocus = old.some((one) => one.contains(document.activeElement));
      this.remove(old);
      this.insert([card]);
      if (hadFocus) card.focus();
    }
  }

  /**
   * Return the card that stays after these, or else before them.
   *
   * @param {HTMLElement[]} cards
   */
  neighbourOf(cards) {
    const { all } = this;
    const at = all.findIndex((card) => cards.includes(card));
    const stays = (/** @type {HTMLElement} */ card) => !cards.includes(card);
    return all.slice(at).find(stays) ?? all.slice(0, at).findLast(stays);
  }

  /** Write every time anew, and move cards whose day is another one in the viewer's zone. */
  refresh() {
    for (const time of this.#times) showTime(time);
    for (const card of this.all) showSnoozed(card, stateOf(card).until);
    for (const card of this.all) if (sectionOf(card)?.dataset.day !== dayOf(card)) this.#place(card);
    for (const section of this.#sections) this.#title(section);
  }

  /**
   * Insert cards where their times belong, unless they are here already. Return those that were inserted.
   *
   * @param {HTMLElement[]} cards
   */
  insert(cards) {
    const fresh = cards.filter((card) => !this.has(idOf(card)));
    for (const card of fresh) this.#place(card);
    this.refresh();
    return fresh;
  }

  /**
   * Insert those of these cards again that left the page. Return whether all of them are here now.
   *
   * @param {string[]} ids
   */
  bringBack(ids) {
    this.insert(ids.flatMap((id) => this.#left.get(id) ?? []));
    return ids.every((id) => this.has(id));
  }

  /**
   * Return whether a freshly loaded first page of the inbox contradicts these cards.
   *
   * @param {Page} page
   */
  differFrom({ results, next, unconfirmed = { results: [], count: 0 } }) {
    const { show } = this.#root.dataset;
    // Its rows are not those of the first page.
    if (show === "group") return false;
    if (show === "unconfirmed") return this.#topDiffers(unconfirmed);
    if (show === "saved") return false;
    if (show === "archived" || show === "snoozed") return results.some(({ id }) => this.has(id));
    const isSearch = this.#root.hasAttribute("data-search");
    const belongs = (/** @type {Item} */ { id, kind, unread }) =>
      (unread || show === "all") && this.listsKind(kind) && (!isSearch || this.has(id));
    const wanted = new Map(results.filter(belongs).map((item) => [item.id, item]));
    const end = next === null ? Number.NEGATIVE_INFINITY : Date.parse(results.at(-1)?.at ?? "");
    const covered = this.all.filter((card) => timeOf(card) > end || wanted.has(idOf(card)));
    const isOnLaterPage = this.#root.hasAttribute("data-later");
    const isMissing = !isOnLaterPage && [...wanted.keys()].some((id) => !this.has(id));
    const hasTop = show === "all" && !isOnLaterPage && !isSearch && this.#root.dataset.kinds === undefined;
    if (hasTop && this.#topDiffers(unconfirmed)) return true;
    return isMissing || covered.some((card) => wanted.get(idOf(card))?.unread !== isUnread(card));
  }

  /**
   * Return whether other cards must be confirmed than these.
   *
   * @param {Unconfirmed} top
   */
  #topDiffers({ results, count }) {
    const wanted = new Set(results.map(({ id }) => id));
    const isOver = (/** @type {HTMLElement} */ card) => isUnconfirmed(card) && !wanted.has(idOf(card));
    return results.some(({ id }) => !this.has(id)) || (count <= PINNED && this.all.some(isOver));
  }

  /**
   * Update the cards that a freshly fetched page has too. Return those that it should have, but lacks.
   *
   * @param {HTMLElement[]} fetched newest first
   * @param {{isLast: boolean}} how `isLast` if no older card belongs here
   */
  update(fetched, { isLast }) {
    const [oldest, missing] = [fetched.at(-1), /** @type {HTMLElement[]} */ ([])];
    const isWholeTop = fetched.filter(isUnconfirmed).length < PINNED;
    for (const card of this.all) {
      const fresh = fetched.find((one) => idOf(one) === idOf(card));
      if (fresh) this.#renew(card, fresh);
      else if (isLast || (isWholeTop && isUnconfirmed(card)) || (oldest && !isOlder(card, oldest))) missing.push(card);
    }
    return missing;
  }

  /**
   * @param {HTMLElement} card
   * @param {HTMLElement} fresh
   */
  #renew(card, fresh) {
    this.show(card, stateOf(fresh));
    if (isUnconfirmed(card) !== isUnconfirmed(fresh)) this.confirm([card], !isUnconfirmed(fresh));
    card.dataset.level = fresh.dataset.level;
    card.toggleAttribute("data-group", groupOf(fresh) !== "");
    if (groupOf(fresh)) card.dataset.group = groupOf(fresh);
    for (const selector of [".nh-disc", ".nh-words"]) {
      const [old, now] = [card.querySelector(selector), fresh.querySelector(selector)];
      if (!old || !now || old.isEqualNode(now) || old.querySelector("form:not([hidden])")) continue;
      const hadFocus = old.contains(document.activeElement);
      old.replaceWith(now);
      if (hadFocus) card.focus();
    }
  }

  /** @param {HTMLElement[]} cards */
  remove(cards) {
    for (const card of cards) {
      card.remove();
      this.#left.set(idOf(card), card);
    }
    for (const section of this.#sections) if (cardsIn(section).length === 0) section.remove();
  }

  /**
   * Mark cards. If the button that had the focus is hidden, the one in its place gets it.
   *
   * @param {HTMLElement[]} cards
   * @param {boolean} unread
   */
  mark(cards, unread) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    for (const card of cards) {
      card.toggleAttribute("data-unread", unread);
      toggle(card, "[data-part=unread], [data-part=read]", unread);
      toggle(card, "[data-part=unread-again]", !unread);
      if (focused?.hidden && card.contains(focused)) part(card, unread ? "read" : "unread-again").focus();
    }
  }

  /**
   * Show a card in a state: whether it is unread and saved, and where it is.
   *
   * @param {HTMLElement} card
   * @param {CardState} state
   */
  show(card, { unread, saved, archived, until }) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const isDone = archived && !until;
    this.mark([card], unread);
    // Marking as read or unread may have moved the focus. Some browsers move it off a button as soon as it is hidden.
    const isMoved = focused !== document.activeElement;
    card.toggleAttribute("data-saved", saved);
    card.toggleAttribute("data-archived", archived);
    toggle(card, "[data-part=save]", !saved);
    toggle(card, "[data-part=unsave]", saved);
    toggle(card, "[data-part=unarchive]", archived);
    toggle(card, "[data-part=archive], [data-part=snooze]", !isDone && !isUnconfirmed(card));
    if (until) card.setAttribute("data-snoozed", until);
    else card.removeAttribute("data-snoozed");
    showSnoozed(card, until);
    if (!isMoved && focused?.hidden && card.contains(focused)) part(card, saved ? "unsave" : "save").focus();
  }

  /**
   * Show whether cards that must be confirmed are, and move them off the top or back.
   *
   * @param {HTMLElement[]} cards
   * @param {boolean} confirmed
   */
  confirm(cards, confirmed) {
    for (const card of cards) {
      card.toggleAttribute("data-unconfirmed", !confirmed);
      toggle(card, "[data-part=confirm]", !confirmed);
      toggle(card, "[data-part=confirmed], [data-part=archive], [data-part=snooze]", confirmed);
    }
    this.refresh();
  }

  /** @param {HTMLElement} card */
  #place(card) {
    const section = this.#sectionFor(dayOf(card));
    const next = cardsIn(section).find((other) => other !== card && isOlder(other, card));
    (next?.parentElement ?? part(section, "cards")).insertBefore(card, next ?? null);
  }

  /** @param {string} day */
  #sectionFor(day) {
    const sections = this.#sections;
    const found = sections.find((section) => section.dataset.day === day);
    if (found) return found;
    const made = copyOf(this.#root, "day");
    made.dataset.day = day;
    const next = sections.find((section) => (section.dataset.day ?? "") < day);
    this.#days.insertBefore(made, next ?? null);
    return made;
  }

  /** @param {HTMLElement} section */
  #title(section) {
    if (cardsIn(section).length === 0) return section.remove();
    const { today = "", toConfirm = "" } = this.#root.dataset;
    const title = dayTitle(section.dataset.day ?? "", { today, unconfirmed: toConfirm });
    setText(part(section, "day-title"), title);
  }

  get #days() {
    return part(this.#root, "days");
  }

  get #sections() {
    return /** @type {HTMLElement[]} */ ([...this.#days.querySelectorAll("[data-day]")]);
  }

  get #times() {
    return this.#days.querySelectorAll("time");
  }
}

/**
 * @param {ParentNode} root
 * @returns {HTMLElement[]}
 */
export function cardsIn(root) {
  return [...root.querySelectorAll("[data-id]")].map((card) => /** @type {HTMLElement} */ (card));
}

/** @param {Element} card */
export function idOf(card) {
  return card.getAttribute("data-id") ?? "";
}

/** @param {Element} card */
export function groupOf(card) {
  return card.getAttribute("data-group") ?? "";
}

/** @param {Element} card */
export function isUnread(card) {
  return card.hasAttribute("data-unread");
}

/** @param {Element} card */
export function isUnconfirmed(card) {
  return card.hasAttribute("data-unconfirmed");
}

/** @param {Element} card */
function sectionOf(card) {
  return /** @type {HTMLElement | null} */ (card.closest("[data-day]"));
}

/**
 * @param {Element} card
 * @param {Element} other
 */
function isOlder(card, other) {
  return timeOf(card) < timeOf(other);
}

/** @param {Element} card */
function timeOf(card) {
  return Date.parse(card.querySelector("time")?.dateTime ?? "");
}

/**
 * @param {HTMLElement} card
 * @param {string} selector
 * @param {boolean} visible
 */
function toggle(card, selector, visible) {
  const parts = /** @type {NodeListOf<HTMLElement>} */ (card.querySelectorAll(selector));
  for (const one of parts) one.hidden = !visible;
}
