// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { announce } from "../shared/announcer.js";
import { copyOf, part, setText } from "../shared/dom.js";
import { QuietTimes } from "../shared/quiet-times.js";
import { staysOpen, Toast } from "./toast.js";
import { ToastDueEvent, ToastsDisplayedEvent } from "./toast-events.js";
import { ToastFocus } from "./toast-focus.js";
import { ToastQueue } from "./toast-queue.js";
import { AT_ONCE, fit } from "./toast-room.js";
import { ToastSpeech } from "./toast-speech.js";

/** Screens with room for one toast only, as in styles/toasts.css. */
export const SMALL = "(max-width: 40rem), (max-height: 30rem)";

/**
 * The toasts of a page, on the screen and waiting. They outlive their element: if a script swaps the body, the next
 * `<toast-stack>` shows them. In between they wait.
 */
export class ToastStack {
  /** @type {HTMLElement | null} */
  #element = null;
  #queue = new ToastQueue({
    isSeen: () => this.#element !== null && document.visibilityState === "visible",
    isSilent: () => this.#quiet.isSilentAt(Date.now()),
    claimOf: (item) => this.#claimOf(item),
    display: (items) => this.#displayAll(items),
    painted,
    displayed: (cursor, ids) => this.#displayed(new ToastsDisplayedEvent(cursor, ids)),
  });
  #speech = new ToastSpeech({ announce, summaryOf: (count) => this.#moreOf(count) });
  /** @type {ToastFocus | null} */
  #focus = null;
  /** The toasts on the screen, and those that wait for room, oldest first. @type {Map<string, Toast>} */
  #toasts = new Map();
  #more = 0;
  #quiet = new QuietTimes(null);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #quietTimer;
  /** What was displayed just before the element was removed. @type {ToastsDisplayedEvent[]} */
  #unreported = [];

  /** The items not yet displayed, oldest first. */
  get waiting() {
    return this.#queue.waiting;
  }

  get isEmpty() {
    return this.#toasts.size === 0;
  }

  /**
   * Show the toasts in this element. A page from a cache may bring copies of older ones.
   *
   * @param {HTMLElement} element
   */
  attach(element) {
    this.#element = element;
    this.#focus = new ToastFocus(element, () => document.querySelector("notification-bell [data-part=button]"));
    if (!part(element, "list")) element.append(copyOf(element, "stack"));
    const toasts = [...this.#toasts.values()].filter((toast) => !toast.waits).map((toast) => toast.element);
    for (const toast of toasts) toast.dataset.moved = "";
    part(element, "list").replaceChildren(...toasts.reverse());
    this.#renderMore();
    if (!this.isEmpty) element.showPopover?.();
    for (const event of this.#unreported.splice(0)) element.dispatchEvent(event);
    this.visibilityChanged();
  }

  /** The element was removed. */
  detach() {
    this.#element = null;
    for (const toast of this.#toasts.values()) toast.pause();
  }

  /** End for good. */
  stop() {
    clearTimeout(this.#quietTimer);
    this.#queue.stop();
    this.#speech.stop();
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
   * Hold toasts back in these quiet hours, and show them once those are over.
   *
   * @param {QuietTimes} quiet
   */
  keepQuiet(quiet) {
    this.#quiet = quiet;
    clearTimeout(this.#quietTimer);
    this.#quietTimer = quiet.atEnd(() => this.keepQuiet(quiet));
    this.#queue.flush();
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
    // A result that the person has just brought about leaves by itself.
    this.#drop(ids.filter((id) => !this.#toasts.get(id)?.showsResult));
  }

  /**
   * Write items anew that are shown or wait.
   *
   * @param {Item[]} items
   */
  update(items) {
    for (const item of items) this.#toasts.get(item.id)?.update(item);
    this.#queue.update(items);
  }

  dismissAll() {
    this.withdraw([...this.waiting.map(({ id }) => id), ...this.#toasts.keys()]);
  }

  /** @param {string} id */
  dismiss(id) {
    this.#drop([id]);
  }

  /** Close the toasts on the screen, those that wait for room, and the number of others. */
  close() {
    // First, because the button that closes them is hidden next.
    if (this.#element) this.#focus?.leave(this.#element);
    this.#drop([...this.#toasts.keys()]);
  }

  /** Show the newest toasts that there is room for, let others wait, and drop the oldest ones that are too many. */
  cutToSize() {
    const { dropped, shown } = fit([...this.#toasts.values()], mostToasts());
    for (const { id } of dropped) this.#toasts.delete(id);
    this.#more += dropped.length;
    for (const toast of this.#toasts.values()) {
      if (!shown.includes(toast)) toast.hold();
      else if (toast.waits) this.#release(toast);
    }
    for (const toast of dropped) this.#remove(toast);
    this.#renderMore();
    this.runOrPause();
  }

  /** @param {string[]} ids */
  #drop(ids) {
    const leaving = ids.flatMap((id) => this.#toasts.get(id) ?? []);
    for (const { id } of leaving) this.#toasts.delete(id);
    if (this.isEmpty) this.#more = 0;
    // First those that take their place, so that the focus can pass to them.
    this.cutToSize();
    for (const toast of leaving) this.#remove(toast);
  }

  /**
   * Show a toast that waited, in its place.
   *
   * @param {Toast} toast
   */
  #release(toast) {
    toast.waits = false;
    const all = [...this.#toasts.values()];
    const older = all.slice(0, all.indexOf(toast)).findLast((one) => !one.waits);
    if (this.#element) part(this.#element, "list").insertBefore(toast.element, older?.element ?? null);
  }

  visibilityChanged() {
    this.#queue.flush();
    this.runOrPause();
  }

  /** Let the time of the toasts run, unless nobody can look at them or somebody is busy with one. */
  runOrPause() {
    const busy = document.visibilityState !== "visible" || this.#element?.matches(":hover, :focus-within") !== false;
    for (const toast of this.#toasts.values()) {
      if (busy || toast.waits) toast.pause();
      else toast.run();
    }
  }

  /** @param {FocusEvent} event */
  entered(event) {
    this.#focus?.entered(event);
  }

  /** Move the focus into the newest toast, or out of the stack again. Return whether there was a toast. */
  toggleFocus() {
    return !this.isEmpty && (this.#focus?.toggle() ?? false);
  }

  /** @param {ToastsDisplayedEvent} event */
  #displayed(event) {
    if (this.#element) this.#element.dispatchEvent(event);
    else this.#unreported.push(event);
  }

  /** @param {Item} item */
  #claimOf(item) {
    const due = new ToastDueEvent(item);
    this.#element?.dispatchEvent(due);
    return due.defaultPrevented ? Promise.resolve(true) : due.claimed;
  }

  /** @param {Item[]} items */
  #displayAll(items) {
    const element = this.#element;
    if (!element) return;
    this.#toTop(element);
    const single = newestOfGroups(items);
    const kept = single.filter((item, at) => at >= single.length - AT_ONCE || staysOpen(item));
    const toasts = kept.map((item) => this.#toastOf(item, element));
    const news = toasts.filter((toast) => {
      const known = this.#toasts.get(toast.id);
      return known === toast || known?.line.text !== toast.line.text;
    });
    this.#speech.add(
      news.map(({ line }) => line),
      single.length - toasts.length,
    );
    this.#more += single.length - toasts.length;
    for (const toast of toasts) this.#display(toast, element);
    this.cutToSize();
  }

  /**
   * Move the stack above dialogs and popovers opened since, and above the host page's own layers.
   *
   * @param {HTMLElement} element
   */
  #toTop(element) {
    if (!this.isEmpty || !element.popover) return;
    if (element.matches(":popover-open")) element.hidePopover();
    element.showPopover();
  }

  /**
   * Let the toast of the same group show this item, in its place. Return it, or null without one.
   *
   * @param {Item} item
   */
  #become(item) {
    const key = item.group?.key;
    const toast = key && [...this.#toasts.values()].find((one) => one.group === key);
    if (!toast) return null;
    this.#toasts.delete(toast.id);
    toast.become(item);
    this.#toasts.set(toast.id, toast);
    return toast;
  }

  /**
   * @param {Item} item
   * @param {HTMLElement} element
   */
  #toastOf(item, element) {
    return this.#become(item) ?? new Toast(item, copyOf(element, "toast"), ({ id }) => this.dismiss(id));
  }

  /**
   * @param {Toast} toast
   * @param {HTMLElement} element
   */
  #display(toast, element) {
    const old = this.#toasts.get(toast.id);
    if (old === toast) return;
    part(element, "list").prepend(toast.element);
    this.#toasts.delete(toast.id);
    this.#toasts.set(toast.id, toast);
    if (old) this.#remove(old);
  }

  /**
   * Let a toast leave, and hide the stack after the last one: a landmark without content is a dead end.
   *
   * @param {Toast} toast
   */
  async #remove(toast) {
    if (this.#element) this.#focus?.leave(this.isEmpty ? this.#element : toast.element);
    if (!toast.waits) await toast.leave();
    if (this.isEmpty && this.#element?.matches(":popover-open")) this.#element.hidePopover();
  }

  #renderMore() {
    if (!this.#element) return;
    const [more, all] = [part(this.#element, "more"), part(this.#element, "dismiss-all")];
    const count = this.#more + [...this.#toasts.values()].filter((toast) => toast.waits).length;
    more.hidden = count === 0;
    setText(more, this.#moreOf(count));
    if (all) all.hidden = this.#toasts.size < 2;
  }

  /** @param {number} count */
  #moreOf(count) {
    const text = this.#element ? part(this.#element, "more").dataset.text : "";
    return (text ?? "").replace("{count}", String(count));
  }
}

/**
 * Return the items without those of a group that a newer one stands for.
 *
 * @param {Item[]} items oldest first
 */
function newestOfGroups(items) {
  const last = new Map(items.map(({ id, group }) => [group?.key, id]));
  return items.filter(({ id, group }) => !group || last.get(group.key) === id);
}

/** Return how many toasts the screen has room for. */
function mostToasts() {
  return matchMedia(SMALL).matches ? 1 : AT_ONCE;
}

/**
 * Resolve once the toasts are painted: after two animation frames. A hidden tab has no frames until it is visible.
 *
 * @returns {Promise<void>}
 */
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
}
