// @ts-check
/**
 * @import { CardState } from "./card-state.js"
 * @import { InboxCards } from "./inbox-cards.js"
 * @import { MarkName } from "./notifications-api.js"
 */
import { changeOf, counted, leaves, stateOf } from "./card-state.js";
import { idOf, isUnconfirmed } from "./inbox-cards.js";

const NONE = new Set();

/** A change shown on the cards of the inbox page, and the ways back. */
export class CardChange {
  #cards;
  #counted;
  #mark;
  #change;
  #moves;
  #wanted;
  #beyond;
  /** The cards that it changed, and their state before. @type {Map<HTMLElement, CardState>} */
  #touched = new Map();

  /**
   * @param {object} options
   * @param {InboxCards} options.cards
   * @param {(more: number) => void} options.counted called after each change, with how many more are unread
   * @param {MarkName} options.mark
   * @param {HTMLElement[]} options.wanted the cards to change
   * @param {number} [options.beyond] how many unread ones that are not on the page are read too
   * @param {string} [options.list] the list that the page shows
   * @param {string} [options.until] for a snooze, when it ends as far as the page knows
   */
  constructor({ cards, counted, mark, wanted, beyond = 0, list = "all", until = "" }) {
    this.#cards = cards;
    this.#counted = counted;
    this.#mark = mark;
    this.#change = changeOf(mark, until);
    this.#moves = leaves(mark, list);
    this.#wanted = wanted;
    this.#beyond = beyond;
    this.redo();
  }

  get count() {
    return this.#touched.size + this.#beyond;
  }

  /** Show the change. Cards that have left the page, or have changed already, are left out. */
  redo() {
    const present = this.#wanted.filter((card) => this.#cards.has(idOf(card)));
    const touched = present.filter((card) => this.#needs(card));
    this.#touched = new Map(touched.map((card) => [card, stateOf(card)]));
    if (this.#moves) this.#cards.remove(touched);
    for (const [card, before] of this.#touched) this.#cards.show(card, { ...before, ...this.#change });
    if (this.#confirms) this.#cards.confirm(touched, true);
    this.#counted(this.#more(touched) - this.#beyond);
  }

  /** @param {Set<string>} confirmed */
  revert(confirmed) {
    const back = [...this.#touched.keys()].filter((card) => !confirmed.has(idOf(card)) && this.#isChanged(card));
    if (this.#moves) this.#cards.insert(back);
    for (const card of back) this.#cards.show(card, { ...stateOf(card), ...this.#before(card) });
    if (this.#confirms) this.#cards.confirm(back, false);
    this.#counted(this.#beyond - this.#more(back));
  }

  undo() {
    this.revert(NONE);
  }

  get #confirms() {
    return this.#mark === "acknowledge";
  }

  /**
   * Return whether the change does something to the card. What must be confirmed stays in the inbox.
   *
   * @param {HTMLElement} card
   */
  #needs(card) {
    if (this.#confirms) return isUnconfirmed(card);
    if (this.#mark === "archive" || this.#mark === "snooze") return !isUnconfirmed(card) && !this.#isArchived(card);
    return this.#moves || !this.#isAs(card, this.#change);
  }

  /**
   * Return whether the card is in the archive, from where it does not come back by itself.
   *
   * @param {HTMLElement} card
   */
  #isArchived(card) {
    const { archived, until } = stateOf(card);
    return archived && !until;
  }

  /**
   * Return whether the card is still as the change left it.
   *
   * @param {HTMLElement} card
   */
  #isChanged(card) {
    if (this.#confirms) return !isUnconfirmed(card);
    return this.#moves ? !this.#cards.has(idOf(card)) : this.#isAs(card, this.#change);
  }

  /**
   * @param {HTMLElement} card
   * @param {Partial<CardState>} state
   */
  #isAs(card, state) {
    const now = /** @type {Record<string, unknown>} */ ({ ...stateOf(card) });
    // Of its end, the server knows best.
    return Object.entries(state).every(([name, value]) => name === "until" || now[name] === value);
  }

  /**
   * Return what the change replaced.
   *
   * @param {HTMLElement} card
   */
  #before(card) {
    const before = Object.entries(this.#touched.get(card) ?? {});
    return Object.fromEntries(before.filter(([name]) => name in this.#change));
  }

  /**
   * Return how many more are unread when these cards change.
   *
   * @param {HTMLElement[]} cards
   */
  #more(cards) {
    const states = cards.flatMap((card) => this.#touched.get(card) ?? []);
    return states.reduce((sum, before) => sum + counted({ ...before, ...this.#change }) - counted(before), 0);
  }
}
