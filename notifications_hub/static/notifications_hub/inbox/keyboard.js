// @ts-check
/**
 * @import { InboxCards } from "./inbox-cards.js"
 * @import { MarkName } from "./notifications-api.js"
 */
import { choiceOf, onChoice } from "../shared/browser-choices.js";
import { isInSight, part } from "../shared/dom.js";
import { isTyping, keyOf } from "./shortcut-keys.js";

/** The marks that a key makes: the first whose button the card shows. */
const MARKS = { e: ["archive", "unarchive"], u: ["read", "unread"], s: ["save", "unsave"] };
const STEPS = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 };

/**
 * @typedef {object} Deeds what the page does for a key
 * @property {(mark: MarkName, card: HTMLElement) => void} mark
 * @property {(mark: MarkName) => boolean} markPicked marks the selected cards; false if there are none, or no such button
 * @property {() => boolean} clearPicked returns whether any was selected
 * @property {() => void} help
 */

/**
 * The shortcuts of the inbox page: single keys, which a person can turn off (WCAG 2.1.4). They act while nobody types,
 * and outside dialogs. Each presses what the page shows, so a key without its button does nothing.
 */
export class Keyboard {
  #root;
  #cards;
  #deeds;
  /** The card that the keys moved to last. @type {HTMLElement | undefined} */
  #latest;
  /** Where it stood, in case it has left. */
  #at = 0;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root the `<inbox-page>`
   * @param {InboxCards} options.cards
   * @param {Deeds} options.deeds
   * @param {AbortSignal} options.signal
   */
  constructor({ root, cards, deeds, signal }) {
    this.#root = root;
    this.#cards = cards;
    this.#deeds = deeds;
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    root.addEventListener("focusin", () => this.#note(), { signal });
    onChoice(() => this.refresh(), signal);
    this.refresh();
  }

  get #isOn() {
    return choiceOf("shortcuts", true);
  }

  /** Tell assistive technology the keys of each control, after cards came or the keys were turned on or off. */
  refresh() {
    for (const [key, marks] of Object.entries(MARKS)) {
      for (const mark of marks) this.#label(`.nh-card button[name=action][value=${mark}]`, key);
    }
    this.#label(".nh-card > .nh-pick", "x");
    this.#label("[name=q]", "/");
    this.#label("[data-part=shortcuts-open]", "?");
  }

  /**
   * @param {string} selector
   * @param {string} key
   */
  #label(selector, key) {
    for (const control of this.#root.querySelectorAll(selector)) {
      if (this.#isOn) control.setAttribute("aria-keyshortcuts", key);
      else control.removeAttribute("aria-keyshortcuts");
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const key = keyOf(event);
    if (!key || !this.#isOn || isTyping(event.target)) return;
    if (this.#press(key, event)) event.preventDefault();
  }

  /**
   * Return whether the key did something here.
   *
   * @param {string} key
   * @param {KeyboardEvent} event
   */
  #press(key, { repeat, shiftKey }) {
    const isOnCard = document.activeElement?.matches(".nh-card") ?? false;
    const step = STEPS[/** @type {keyof typeof STEPS} */ (key)];
    if (step && (key.length === 1 || isOnCard)) return this.#move(step);
    // A key held down acts once, not on the cards that move up.
    if (repeat) return false;
    if (key in MARKS) return this.#mark(MARKS[/** @type {keyof typeof MARKS} */ (key)]);
    if (key === "x") return this.#pick(shiftKey);
    if (key === "Enter") return isOnCard && this.#open();
    if (key === "Escape") return this.#deeds.clearPicked();
    if (key === "/") return this.#search();
    if (key === "?") this.#deeds.help();
    return key === "?";
  }

  /** @param {number} step */
  #move(step) {
    const cards = this.#cards.all;
    const current = this.#current;
    const older = part(this.#root, "older")?.querySelector("a");
    if (current && step > 0 && current === cards.at(-1) && older) {
      // The first of those it brings gets the focus.
      older.focus();
      older.click();
      return true;
    }
    const next = current ? cards[cards.indexOf(current) + step] : this.#start(cards);
    next?.focus();
    return cards.length > 0;
  }

  /**
   * Return where to begin: where the last card stood that has left, or else at the first in sight.
   *
   * @param {HTMLElement[]} cards
   */
  #start(cards) {
    if (this.#latest) return cards[Math.min(this.#at, cards.length - 1)];
    return cards.find(isInSight) ?? cards[0];
  }

  /** The card with the focus. Only this one is acted on: of any other, nobody would see which it is. */
  get #focused() {
    const card = /** @type {HTMLElement | undefined} */ (document.activeElement?.closest(".nh-card") ?? undefined);
    return card && this.#root.contains(card) ? card : undefined;
  }

  /** The card to move from: the one with the focus, or the last one that had it. */
  get #current() {
    const card = this.#focused ?? this.#latest;
    return card && this.#cards.all.includes(card) ? card : undefined;
  }

  #note() {
    const card = this.#focused;
    if (!card) return;
    this.#latest = card;
    this.#at = this.#cards.all.indexOf(card);
  }

  /** @param {string[]} names */
  #mark(names) {
    const marks = /** @type {MarkName[]} */ (names);
    if (marks.some((mark) => this.#deeds.markPicked(mark))) return true;
    const card = this.#focused;
    const mark = card && marks.find((one) => buttonOf(card, one));
    if (mark) this.#deeds.mark(mark, card);
    return Boolean(mark);
  }

  /** @param {boolean} isRange */
  #pick(isRange) {
    const box = this.#focused?.querySelector(":scope > .nh-pick");
    // A click, because the selection takes the range from its Shift.
    box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: isRange }));
    return Boolean(box);
  }

  #open() {
    const link = /** @type {HTMLElement | null} */ (this.#focused?.querySelector("a[data-part=link]") ?? null);
    link?.click();
    return link !== null;
  }

  #search() {
    const field = /** @type {HTMLInputElement | null} */ (this.#root.querySelector("[name=q]:not([type=hidden])"));
    field?.focus();
    field?.select();
    return field !== null;
  }
}

/**
 * Return the card's button for a mark, if it shows one.
 *
 * @param {HTMLElement} card
 * @param {string} mark
 */
export function buttonOf(card, mark) {
  const buttons = card.querySelectorAll(`button[name=action][value="${mark}"]`);
  return /** @type {HTMLElement | undefined} */ ([...buttons].find((button) => button.checkVisibility()));
}
