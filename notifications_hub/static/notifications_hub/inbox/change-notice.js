// @ts-check
/** @import { Report } from "./inbox-changes.js" */
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
  /** @type {(() => unknown) | null} */
  #undo = null;
  /** What failed. @type {Map<unknown, {text: string, retry: () => unknown}>} */
  #retries = new Map();
  /** Whether the person asked to try again: then the network's return tries once more. */
  #asked = false;
  #turn = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {HTMLElement} options.bar
   * @param {HTMLElement} options.scope where Ctrl+Z undoes
   * @param {AbortSignal} options.signal
   * @param {() => void} [options.focusAfter] moves the focus when a notice that had it goes away
   */
  constructor({ bar, scope, signal, focusAfter }) {
    this.#bar = bar;
    this.#focusAfter = focusAfter;
    part(bar, "notice-action").addEventListener("click", () => this.#run(), { signal });
    part(bar, "notice-close").addEventListener("click", () => this.clear(), { signal });
    bar.addEventListener("keydown", (event) => this.#key(event), { signal });
    scope.addEventListener("keydown", (event) => this.#undoKey(event), { signal });
    window.addEventListener("online", () => this.#asked && this.#run(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /** Reports changes in this notice. @type {Report} */
  report = {
    done: ({ change, count, undo, key }) => this.done(this.#doneText(change, count), undo, key),
    failed: ({ change, error, retry, key }) => this.failed(this.#failedText(change, error), retry, key),
  };

  /**
   * Return the words for a change that is done.
   *
   * @param {string} change archived, unarchived, read, unread or undo-failed
   * @param {number} count
   */
  #doneText(change, count) {
    if (count === 0) return this.#words(`${change}-already`) || this.#words(change);
    return this.#words(count === 1 ? change : `${change}-many`).replace("{count}", String(count));
  }

  /**
   * Return the words for a change that failed.
   *
   * @param {string} change archived, unarchived, read, unread or undo
   * @param {unknown} error
   */
  #failedText(change, error) {
    const isOffline = error instanceof ApiError && error.status === 0;
    return this.#words(`${change}-${isOffline ? "offline" : "failed"}`);
  }

  /**
   * Report success. A failure of another change stays on the screen.
   *
   * @param {string} text
   * @param {(() => unknown) | null} [undo] the notice goes away when its promise resolves
   * @param {string} [key] the change, so that its earlier failure goes away
   */
  done(text, undo = null, key = "") {
    this.solved(key);
    announce(text);
    if (this.#retries.size > 0) return;
    this.#asked = false;
    this.#show(text, "undo");
    this.#undo = undo;
    const action = part(this.#bar, "notice-action");
    action.hidden = !undo;
    action.setAttribute("aria-keyshortcuts", "Control+Z Meta+Z");
    this.#timer = setTimeout(() => this.#timeOut(), STAYS);
  }

  /**
   * Report a failure. "Try again" repeats every change that failed since the notice was empty.
   *
   * @param {string} text
   * @param {() => unknown} retry the notice goes away when its promise resolves
   * @param {unknown} [key] the change, so that it is repeated once
   */
  failed(text, retry, key = retry) {
    this.#retries.delete(key);
    this.#retries.set(key, { text, retry });
    this.#showFailure(text);
    announce(text, { urgent: true });
  }

  /**
   * Forget a failure: what failed has worked since. Other reports stay.
   *
   * @param {unknown} key
   */
  solved(key) {
    if (!this.#retries.delete(key)) return;
    const latest = [...this.#retries.values()].at(-1);
    if (latest) this.#showFailure(latest.text);
    else this.clear();
  }

  clear() {
    this.#empty();
    this.#retries.clear();
    this.#asked = false;
    const isFocused = this.#bar.contains(document.activeElement);
    this.#bar.hidden = true;
    if (isFocused) this.#focusAfter?.();
  }

  /** @param {string} text */
  #showFailure(text) {
    this.#show(text, "retry");
    this.#bar.dataset.failed = "";
    const action = part(this.#bar, "notice-action");
    action.hidden = false;
    action.removeAttribute("aria-keyshortcuts");
  }

  #empty() {
    clearTimeout(this.#timer);
    this.#turn += 1;
    this.#undo = null;
  }

  /**
   * @param {string} text
   * @param {string} label
   */
  #show(text, label) {
    this.#empty();
    delete this.#bar.dataset.failed;
    setText(part(this.#bar, "notice-text"), text);
    setText(part(this.#bar, "notice-action"), this.#words(label));
    this.#bar.hidden = false;
  }

  async #run() {
    const acts = this.#undo ? [this.#undo] : [...this.#retries.values()].map(({ retry }) => retry);
    if (acts.length === 0) return;
    // A double click acts once.
    this.#asked = !this.#undo;
    this.#empty();
    this.#retries.clear();
    const turn = this.#turn;
    await Promise.all(acts.map((act) => act()));
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

  /**
   * Undo on Ctrl+Z, also far away from the button. A failed change is not repeated by it.
   *
   * @param {KeyboardEvent} event
   */
  #undoKey(event) {
    const isUndo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (!isUndo || !this.#undo) return;
    event.preventDefault();
    this.#run();
  }

  /** @param {string} name */
  #words(name) {
    return this.#bar.getAttribute(`data-${name}`) ?? "";
  }
}
