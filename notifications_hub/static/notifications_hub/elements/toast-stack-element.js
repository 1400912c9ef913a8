// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { copyOf, part, setText } from "../shared/dom.js";
import { Toast } from "../toasts/toast.js";
import { ToastDueEvent, ToastOpenedEvent, ToastsDisplayedEvent } from "../toasts/toast-events.js";
import { ToastQueue } from "../toasts/toast-queue.js";

const AT_ONCE = 3;

/**
 * `<toast-stack>`: shows new notifications in a corner for a moment. At most three at once; the rest is a number.
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
    document.addEventListener("visibilitychange", () => this.#visibilityChanged(), { signal });
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#queue.stop();
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
    this.#more += Math.max(0, items.length - AT_ONCE);
    for (const item of items.slice(-AT_ONCE)) this.#display(item);
    this.#cutToSize();
    this.#runOrPause();
  }

  /** Move the stack above dialogs and popovers opened since, and above the host page's own layers. */
  #toTop() {
    if (this.#toasts.size > 0 || !this.popover) return;
    if (this.matches(":popover-open")) this.hidePopover();
    this.showPopover();
  }

  /** @param {Item} item */
  #display(item) {
    this.#toasts.get(item.id)?.leave();
    const toast = new Toast(item, copyOf(this, "toast"), () => this.#dismiss(item.id));
    this.#toasts.delete(item.id);
    this.#toasts.set(item.id, toast);
    part(this, "list").prepend(toast.element);
  }

  #cutToSize() {
    for (const id of [...this.#toasts.keys()].slice(0, -AT_ONCE)) {
      this.#dismiss(id);
      this.#more += 1;
    }
    this.#renderMore();
  }

  /** @param {string} id */
  #dismiss(id) {
    const toast = this.#toasts.get(id);
    this.#toasts.delete(id);
    toast?.leave();
    if (this.#toasts.size === 0) this.#more = 0;
    this.#renderMore();
  }

  #renderMore() {
    const more = part(this, "more");
    more.hidden = this.#more === 0;
    setText(more, (more.dataset.text ?? "").replace("{count}", String(this.#more)));
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
  #click({ target }) {
    const control = target instanceof Element ? target.closest("a[data-part=link], button[data-part=close]") : null;
    const id = control?.closest("[data-id]")?.getAttribute("data-id");
    if (!control || !id) return;
    if (control.matches("a[href]")) this.dispatchEvent(new ToastOpenedEvent(id));
    this.#dismiss(id);
  }

  /** @param {KeyboardEvent} event */
  #key({ key, target }) {
    const id = target instanceof Element ? target.closest("[data-id]")?.getAttribute("data-id") : null;
    if (key === "Escape" && id) this.#dismiss(id);
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
