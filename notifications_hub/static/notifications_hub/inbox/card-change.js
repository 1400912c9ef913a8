// @ts-check
/**
 * @import { InboxCards } from "./inbox-cards.js"
 * @import { MarkName } from "./notifications-api.js"
 */
import { idOf, isUnconfirmed, isUnread } from "./inbox-cards.js";

const NONE = new Set();

/** A change shown on the cards of the inbox page, and the ways back. */
export class CardChange {
  #cards;
  #counted;
  #mark;
  #wanted;
  #beyond;
  /** The cards that it changed, and whether each was unread before. @type {Map<HTMLElement, boolean>} */
  #touched = new Map();

  /**
   * @param {object} options
   * @param {InboxCards} options.cards
   * @param {(more: number) => void} options.counted called after each change, with how many more are unread
   * @param {MarkName} options.mark
   * @param {HTMLElement[]} options.wanted the cards to change
   * @param {number} [options.beyond] how many unread ones that are not on the page are read too
   */
  constructor({ cards, counted, mark, wanted, beyond = 0 }) {
    this.#cards = cards;
    this.#counted = counted;
    this.#mark = mark;
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
    this.#touched = new Map(touched.map((card) => [card, isUnread(card)]));
    if (this.#moves) this.#cards.remove(touched);
    else this.#cards.mark(touched, this.#toUnread);
    if (this.#confirms) this.#cards.confirm(touched, true);
    this.#counted(this.#more(touched));
  }

  /** @param {Set<string>} confirmed */
  revert(confirmed) {
    const back = [...this.#touched.keys()].filter((card) => !confirmed.has(idOf(card)) && this.#isChanged(card));
    if (this.#moves) this.#cards.insert(back);
    else this.#cards.mark(this.#confirms ? back.filter((card) => this.#touched.get(card)) : back, !this.#toUnread);
    if (this.#confirms) this.#cards.confirm(back, false);
    this.#counted(-this.#more(back));
  }

  undo() {
    this.revert(NONE);
  }

  /** Whether it takes cards off this list, or marks them in place. */
  get #moves() {
    return this.#mark === "archive" || this.#mark === "unarchive";
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
    if (this.#mark === "archive") return !isUnconfirmed(card);
    return this.#moves || isUnread(card) !== this.#toUnread;
  }

  get #toUnread() {
    return this.#mark === "unread";
  }

  /**
   * Return whether the card is still as the change left it.
   *
   * @param {HTMLElement} card
   */
  #isChanged(card) {
    if (this.#confirms) return !isUnconfirmed(card);
    return this.#moves ? !this.#cards.has(idOf(card)) : isUnread(card) === this.#toUnread;
  }

  /**
   * Return how many more are unread when these cards change.
   *
   * @param {HTMLElement[]} cards
   */
  #more(cards) {
    if (this.#mark === "unread") return cards.length;
    const unread = cards.filter((card) => this.#touched.get(card)).length;
    return this.#mark === "unarchive" ? unread : -(unread + this.#beyond);
  }
}
