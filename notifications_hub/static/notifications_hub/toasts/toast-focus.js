// @ts-check
import { part } from "../shared/dom.js";

const CONTROLS = ["link", "close"];

/** Where the keyboard's focus goes as toasts come and go. It is never dropped to the top of the page. */
export class ToastFocus {
  #stack;
  #fallback;
  /** What had the focus before it entered the stack. @type {HTMLElement | null} */
  #origin = null;

  /**
   * @param {HTMLElement} stack
   * @param {() => HTMLElement | null} fallback returns what takes the focus if it cannot go back
   */
  constructor(stack, fallback) {
    this.#stack = stack;
    this.#fallback = fallback;
  }

  /** @param {FocusEvent} event */
  entered({ relatedTarget }) {
    if (relatedTarget instanceof Node && this.#stack.contains(relatedTarget)) return;
    this.#origin = relatedTarget instanceof HTMLElement ? relatedTarget : null;
  }

  /** Move the focus into the newest toast, or out of the stack again. Return whether there was a toast. */
  toggle() {
    const newest = this.#toasts[0];
    if (this.#stack.matches(":focus-within")) this.#goBack(true);
    else if (newest) focusIn(newest, "link");
    return newest !== undefined;
  }

  /**
   * Move the focus out of an element that is about to go: to the next toast, or back. A toast that was clicked only has
   * the focus by accident, and keeping it there would keep all toasts on the screen.
   *
   * @param {HTMLElement} leaving a toast, or the whole stack
   */
  leave(leaving) {
    const active = document.activeElement;
    if (!(active instanceof HTMLElement) || !leaving.contains(active)) return;
    const byKeyboard = active.matches(":focus-visible");
    const toasts = this.#toasts;
    const at = toasts.indexOf(leaving);
    const next = toasts[at + 1] ?? toasts[at - 1];
    if (byKeyboard && at !== -1 && next) focusIn(next, active.dataset.part ?? "");
    else this.#goBack(byKeyboard);
  }

  /** The toasts that stay, from top to bottom. */
  get #toasts() {
    return /** @type {HTMLElement[]} */ ([...part(this.#stack, "list").children]).filter((toast) => !toast.inert);
  }

  /** @param {boolean} byKeyboard */
  #goBack(byKeyboard) {
    const origin = this.#origin?.checkVisibility() ? this.#origin : null;
    (origin ?? (byKeyboard ? this.#fallback() : null))?.focus({ preventScroll: !byKeyboard });
    if (this.#stack.contains(document.activeElement)) /** @type {HTMLElement} */ (document.activeElement).blur();
  }
}

/**
 * @param {HTMLElement} toast
 * @param {string} name of the control to prefer
 */
function focusIn(toast, name) {
  for (const control of [name, ...CONTROLS]) {
    const target = toast.querySelector(`a[href][data-part="${control}"], button[data-part="${control}"]`);
    if (target instanceof HTMLElement) return target.focus();
  }
}
