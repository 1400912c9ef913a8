// @ts-check
/**
 * @import { Item } from "../protocol/wire.js"
 * @import { QuietTimes } from "../shared/quiet-times.js"
 */
import { ItemActions } from "../inbox/item-actions.js";
import { offerLinks } from "../inbox/item-open.js";
import { SwapKeeper } from "../shared/swap-keeper.js";
import { ToastConfirmedEvent, ToastOpenedEvent } from "../toasts/toast-events.js";
import { SMALL, ToastStack } from "../toasts/toast-stack.js";

/** The toasts of elements that a script may just be replacing, by person. @type {SwapKeeper<ToastStack>} */
const between = new SwapKeeper((stack) => stack.stop());

/**
 * `<toast-stack>`: shows new notifications in a corner for a moment. At most three at once. On a small screen one
 * at a time, and the others wait. What is more than that is a number. Errors, and what must be confirmed, stay until closed.
 *
 * The page's live region announces them; the toasts themselves are no live regions. F6 moves the focus to the newest
 * toast and back.
 *
 * Toasts wait while the page is hidden, and for a moment while another tab should show them. Items that are delivered,
 * read or shown in the meantime are dropped. Toasts stay if a script swaps the page's body.
 *
 * `toast-due` comes first: an element that shows the same news can claim it. `toasts-displayed` follows once the toasts
 * were painted on a visible page. `toast-opened` comes when the person follows one, and `toast-confirmed` when they
 * confirm one.
 */
export class ToastStackElement extends HTMLElement {
  #life = new AbortController();
  /** Toasts pass only to the next page of the same person. */
  #person = "";
  /** @type {ToastStack | null} */
  #taken = null;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    this.#person = document.querySelector("notification-bell")?.getAttribute("person") ?? "";
    this.#listen(signal);
    // htmx inserts the new body before it removes the old one, whose stack has the toasts until then.
    queueMicrotask(() => signal.aborted || this.#stack.attach(this));
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#taken?.detach();
    if (this.#taken) between.keep(this.#person, this.#taken);
    this.#taken = null;
  }

  get #stack() {
    this.#taken ??= (this.#person && between.take(this.#person)) || new ToastStack();
    return this.#taken;
  }

  /** The items not yet displayed, oldest first. */
  get waiting() {
    return this.#stack.waiting;
  }

  /**
   * @param {Item[]} items oldest first
   * @param {string} cursor reported by `toasts-displayed`
   * @param {{now: boolean}} how not now if another tab should show them; this tab does so if that one fails
   */
  show(items, cursor, { now }) {
    this.#stack.show(items, cursor, { now });
  }

  /**
   * Hold toasts back in these quiet hours, and show them once those are over.
   *
   * @param {QuietTimes} quiet
   */
  keepQuiet(quiet) {
    this.#stack.keepQuiet(quiet);
  }

  /**
   * Drop waiting items that were delivered elsewhere.
   *
   * @param {string[]} ids
   */
  forget(ids) {
    this.#stack.forget(ids);
  }

  /**
   * Drop waiting items, and remove visible toasts too.
   *
   * @param {string[]} ids
   */
  withdraw(ids) {
    this.#stack.withdraw(ids);
  }

  /**
   * Write items anew that are shown or wait.
   *
   * @param {Item[]} items
   */
  update(items) {
    this.#stack.update(items);
  }

  dismissAll() {
    this.#stack.dismissAll();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    // Before the click takes the toast off the page: the event must bubble from there.
    offerLinks(this, signal);
    for (const type of ["pointerenter", "pointerleave", "focusin", "focusout"]) {
      this.addEventListener(type, () => this.#stack.runOrPause(), { signal });
    }
    this.addEventListener("focusin", (event) => this.#stack.entered(event), { signal });
    document.addEventListener("visibilitychange", () => this.#stack.visibilityChanged(), { signal });
    document.addEventListener("keydown", (event) => this.#documentKey(event), { signal });
    matchMedia(SMALL).addEventListener("change", () => this.#stack.cutToSize(), { signal });
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.addEventListener("auxclick", (event) => event.button === 1 && this.#click(event), { signal });
    this.addEventListener("keydown", (event) => this.#key(event), { signal });
    new ItemActions(this, signal);
  }

  /** @param {MouseEvent} event */
  #click({ target, button }) {
    // The middle button opens links in a new tab, and presses no buttons.
    if (target instanceof Element && target.closest("[data-part=dismiss-all]")) return this.#stack.close();
    const controls =
      button === 1 ? "a[data-part=link]" : "a[data-part=link], button:is([data-part=close], [data-part=confirm])";
    const control = target instanceof Element ? target.closest(controls) : null;
    const id = control?.closest("[data-id]")?.getAttribute("data-id");
    if (!control || !id) return;
    if (control.matches("a[href]")) this.dispatchEvent(new ToastOpenedEvent(id));
    if (control.matches("[data-part=confirm]")) this.dispatchEvent(new ToastConfirmedEvent(id));
    this.#stack.dismiss(id);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const id = event.target instanceof Element ? event.target.closest("[data-id]")?.getAttribute("data-id") : null;
    if (event.key !== "Escape" || !id) return;
    event.preventDefault();
    this.#stack.dismiss(id);
  }

  /** @param {KeyboardEvent} event */
  #documentKey(event) {
    if (event.key !== "F6" || event.defaultPrevented) return;
    if (this.#stack.toggleFocus()) event.preventDefault();
  }
}
