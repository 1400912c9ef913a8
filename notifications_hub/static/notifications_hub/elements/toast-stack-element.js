// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { announce } from "../shared/announcer.js";
import { copyOf, part, setText } from "../shared/dom.js";
import { Toast } from "../toasts/toast.js";
import { ToastDueEvent, ToastOpenedEvent, ToastsDisplayedEvent } from "../toasts/toast-events.js";
import { ToastFocus } from "../toasts/toast-focus.js";
import { ToastQueue } from "../toasts/toast-queue.js";
import { ToastSpeech } from "../toasts/toast-speech.js";

/** Screens with room for one toast only, as in styles/toasts.css. */
const SMALL = "(max-width: 40rem), (max-height: 30rem)";
const AT_ONCE = 3;

/**
 * `<toast-stack>`: shows new notifications in a corner for a moment. At most three at once, on a small screen one; the
 * rest is a number.
 *
 * The page's live region announces them; the toasts themselves are no live regions. F6 moves the focus to the newest
 * toast and back.
 *
 * Toasts wait while the page is hidden, and for a moment while another tab should show them. Items that are delivered,
 * read or shown in the meantime are dropped.
 *
 * `toast-due` comes first: an element that shows the same news can claim it. `toasts-displayed` follows once the toasts
 * were painted on a visible page, and `toast-opened` when the person follows one.
 */
export class ToastStackElement extends HTMLElement {
  #life = new AbortController();
  #queue = new ToastQueue({
    isSeen: () => document.visibilityState === "visible",
    claimOf: (item) => this.#claimOf(item),
    display: (items) => this.#displayAll(items),
    painted,
    displayed: (cursor, ids) => this.dispatchEvent(new ToastsDisplayedEvent(cursor, ids)),
  });
  #speech = new ToastSpeech({ announce, summaryOf: (count) => this.#moreOf(count) });
  #focus = new ToastFocus(this, () => document.querySelector("notification-bell [data-part=button]"));
  /** The toasts on the screen, oldest first. @type {Map<string, Toast>} */
  #toasts = new Map();
  #more = 0;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    if (!this.querySelector("[data-part=list]")) this.append(copyOf(this, "stack"));
    for (const type of ["pointerenter", "pointerleave", "focusin", "focusout"]) {
      this.addEventListener(type, () => this.#runOrPause(), { signal });
    }
    this.addEventListener("focusin", (event) => this.#focus.entered(event), { signal });
    document.addEventListener("visibilitychange", () => this.#visibilityChanged(), { signal });
    document.addEventListener("keydown", (event) => this.#documentKey(event), { signal });
    matchMedia(SMALL).addEventListener("change", () => this.#cutToSize(), { signal });
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.addEventListener("auxclick", (event) => event.button === 1 && this.#click(event), { signal });
    this.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#queue.stop();
    this.#speech.stop();
    for (const toast of this.#toasts.values()) toast.pause();
  }

  /** The items not yet displayed, oldest first. */
  get waiting() {
    return this.#queue.waiting;
  }

  /**
   * @param {Item[]} items oldest first
   * @param {string} cursor reported by `toasts-displayed`
   * @param {{now: boolean}} how not now if another tab should show them; this tab does so if that one fails
   */
  show(items, cursor, { now }) {
    this.#queue.add(items, cursor, { now });
  }

  /**
   * Drop waiting items that were delivered elsewhere.
   *
   * @param {string[]} ids
   */
  forget(ids) {
    this.#queue.forget(ids);
  }

  /**
   * Drop waiting items, and remove visible toasts too.
   *
   * @param {string[]} ids
   */
  withdraw(ids) {
    this.forget(ids);
    for (const id of ids) this.#dismiss(id);
  }

  dismissAll() {
    this.withdraw([...this.waiting.map(({ id }) => id), ...this.#toasts.keys()]);
  }

  /** @param {Item} item */
  #claimOf(item) {
    const due = new ToastDueEvent(item);
    this.dispatchEvent(due);
    return due.claimed;
  }

  /** @param {Item[]} items */
  #displayAll(items) {
    this.#toTop();
    const toasts = items.slice(-AT_ONCE).map((item) => this.#toastOf(item));
    const news = toasts.filter(({ id, line }) => this.#toasts.get(id)?.line.text !== line.text);
    this.#speech.add(
      news.map(({ line }) => line),
      items.length - toasts.length,
    );
    const shown = toasts.slice(-this.#most);
    this.#more += items.length - shown.length;
    for (const toast of shown) this.#display(toast);
    this.#cutToSize();
    this.#runOrPause();
  }

  /** How many toasts the screen has room for. */
  get #most() {
    return matchMedia(SMALL).matches ? 1 : AT_ONCE;
  }

  /** Move the stack above dialogs and popovers opened since, and above the host page's own layers. */
  #toTop() {
    if (this.#toasts.size > 0 || !this.popover) return;
    if (this.matches(":popover-open")) this.hidePopover();
    this.showPopover();
  }

  /** @param {Item} item */
  #toastOf(item) {
    return new Toast(item, copyOf(this, "toast"), () => this.#dismiss(item.id));
  }

  /** @param {Toast} toast */
  #display(toast) {
    const old = this.#toasts.get(toast.id);
    part(this, "list").prepend(toast.element);
    this.#toasts.delete(toast.id);
    this.#toasts.set(toast.id, toast);
    if (old) this.#remove(old);
  }

  /** Drop the oldest toasts that are too many, except those that the person is looking at. */
  #cutToSize() {
    const excess = this.#toasts.size - this.#most;
    const idle = [...this.#toasts].filter(([, toast]) => !toast.busy).map(([id]) => id);
    for (const id of idle.slice(0, Math.max(0, excess))) {
      this.#dismiss(id);
      this.#more += 1;
    }
    this.#renderMore();
  }

  /** @param {string} id */
  #dismiss(id) {
    const toast = this.#toasts.get(id);
    if (!toast) return;
    this.#toasts.delete(id);
    this.#remove(toast);
    if (this.#toasts.size === 0) this.#more = 0;
    this.#renderMore();
  }

  /**
   * Let a toast leave, and hide the stack after the last one: a landmark without content is a dead end.
   *
   * @param {Toast} toast
   */
  async #remove(toast) {
    this.#focus.leave(this.#toasts.size === 0 ? this : toast.element);
    await toast.leave();
    if (this.#toasts.size === 0 && this.matches(":popover-open")) this.hidePopover();
  }

  #renderMore() {
    const more = part(this, "more");
    more.hidden = this.#more === 0;
    setText(more, this.#moreOf(this.#more));
  }

  /** @param {number} count */
  #moreOf(count) {
    return (part(this, "more").dataset.text ?? "").replace("{count}", String(count));
  }

  #visibilityChanged() {
    this.#queue.flush();
    this.#runOrPause();
  }

  #runOrPause() {
    const busy = document.visibilityState !== "visible" || this.matches(":hover, :focus-within");
    for (const toast of this.#toasts.values()) {
      if (busy) toast.pause();
      else toast.run();
    }
  }

  /** @param {MouseEvent} event */
  #click({ target, button }) {
    // The middle button opens links in a new tab, and presses no buttons.
    const controls = button === 1 ? "a[data-part=link]" : "a[data-part=link], button[data-part=close]";
    const control = target instanceof Element ? target.closest(controls) : null;
    const id = control?.closest("[data-id]")?.getAttribute("data-id");
    if (!control || !id) return;
    if (control.matches("a[href]")) this.dispatchEvent(new ToastOpenedEvent(id));
    this.#dismiss(id);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const id = event.target instanceof Element ? event.target.closest("[data-id]")?.getAttribute("data-id") : null;
    if (event.key !== "Escape" || !id) return;
    event.preventDefault();
    this.#dismiss(id);
  }

  /** @param {KeyboardEvent} event */
  #documentKey(event) {
    if (event.key !== "F6" || event.defaultPrevented || this.#toasts.size === 0) return;
    if (this.#focus.toggle()) event.preventDefault();
  }
}

/**
 * Resolve once the toasts are painted: after two animation frames. A hidden tab has no frames until it is visible.
 *
 * @returns {Promise<void>}
 */
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
}
