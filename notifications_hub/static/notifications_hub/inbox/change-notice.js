// @ts-check
import { announce } from "../shared/announcer.js";
import { ApiError } from "../shared/api-error.js";
import { part, setText } from "../shared/dom.js";

/** Milliseconds that "Undo" is offered. */
const STAYS = 10_000;
/** Milliseconds after which a notice in use is checked again. */
const IN_USE = 2_000;

/**
 * The bar that reports the latest change: done, with "Undo", or failed, with "Try again". Its words are data attributes
 * of the template `_notice.html`.
 */
export class ChangeNotice {
  #bar;
  #focusAfter;
  /** What the button does; null while it is doing it. @type {(() => unknown) | null} */
  #act = null;
  /** Whether the person asked to try again: then the network's return tries once more. */
  #asked = false;
  #turn = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {HTMLElement} options.bar
   * @param {AbortSignal} options.signal
   * @param {() => void} [options.focusAfter] moves the focus when a notice that had it goes away
   */
  constructor({ bar, signal, focusAfter }) {
    this.#bar = bar;
    this.#focusAfter = focusAfter;
    part(bar, "notice-action").addEventListener("click", () => this.#run(), { signal });
    part(bar, "notice-close").addEventListener("click", () => this.clear(), { signal });
    bar.addEventListener("keydown", (event) => this.#key(event), { signal });
    window.addEventListener("online", () => this.#asked && this.#run(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /**
   * Return the words for a change that is done.
   *
   * @param {string} change archived, unarchived, read or unread
   * @param {number} [count]
   */
  doneText(change, count = 1) {
    return this.#words(count === 1 ? change : `${change}-many`).replace("{count}", String(count));
  }

  /**
   * Return the words for a change that failed.
   *
   * @param {string} change archived, unarchived, read, unread or undo
   * @param {unknown} error
   */
  failedText(change, error) {
    const isOffline = error instanceof ApiError && error.status === 0;
    return this.#words(`${change}-${isOffline ? "offline" : "failed"}`);
  }

  /**
   * @param {string} text
   * @param {(() => unknown) | null} [undo] the notice goes away when its promise resolves
   */
  done(text, undo = null) {
    this.#asked = false;
    this.#show(text, "undo", undo);
    announce(text);
    this.#timer = setTimeout(() => this.#timeOut(), STAYS);
  }

  /**
   * @param {string} text
   * @param {(() => unknown) | null} [retry] the notice goes away when its promise resolves
   */
  failed(text, retry = null) {
    this.#show(text, "retry", retry);
    this.#bar.dataset.failed = "";
    announce(text, { urgent: true });
  }

  clear() {
    clearTimeout(this.#timer);
    this.#turn += 1;
    this.#act = null;
    this.#asked = false;
    const isFocused = this.#bar.contains(document.activeElement);
    this.#bar.hidden = true;
    if (isFocused) this.#focusAfter?.();
  }

  /**
   * @param {string} text
   * @param {string} label
   * @param {(() => unknown) | null} act
   */
  #show(text, label, act) {
    clearTimeout(this.#timer);
    this.#turn += 1;
    this.#act = act;
    delete this.#bar.dataset.failed;
    setText(part(this.#bar, "notice-text"), text);
    setText(part(this.#bar, "notice-action"), this.#words(label));
    part(this.#bar, "notice-action").hidden = !act;
    this.#bar.hidden = false;
  }

  async #run() {
    const act = this.#act;
    if (!act) return;
    // A double click acts once.
    this.#act = null;
    this.#asked = "failed" in this.#bar.dataset;
    clearTimeout(this.#timer);
    const turn = this.#turn;
    await act();
    if (turn === this.#turn) this.clear();
  }

  #timeOut() {
    if (this.#bar.matches(":hover, :focus-within")) this.#timer = setTimeout(() => this.#timeOut(), IN_USE);
    else this.clear();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape") return;
    // Only the notice goes away, not the panel around it.
    event.preventDefault();
    event.stopPropagation();
    this.clear();
  }

  /** @param {string} name */
  #words(name) {
    return this.#bar.getAttribute(`data-${name}`) ?? "";
  }
}
