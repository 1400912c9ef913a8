// @ts-check
import { announce } from "../shared/announcer.js";
import { copyOf, part, setText } from "../shared/dom.js";
import { cardsIn } from "./inbox-cards.js";

/**
 * The selected cards of the inbox page: select all, a count, ranges with Shift, and Up, Down, Home and End between
 * checkboxes. A button beside the latest checkbox leads to the actions.
 */
export class InboxSelection {
  #root;
  #bar;
  /** @type {HTMLButtonElement} */
  #skip;
  /** The checkbox that a range starts from. @type {HTMLInputElement | null} */
  #anchor = null;

  /**
   * @param {HTMLElement} root the `<inbox-page>`
   * @param {AbortSignal} signal
   */
  constructor(root, signal) {
    this.#root = root;
    this.#bar = part(root, "bulk");
    this.#skip = /** @type {HTMLButtonElement} */ (copyOf(root, "skip"));
    part(this.#bar, "pick-all-label").hidden = false;
    part(this.#bar, "without-script").hidden = true;
    part(this.#bar, "short-label")?.remove();
    this.#skip.addEventListener("click", () => this.#firstAction?.focus(), { signal });
    root.addEventListener("click", (event) => this.#click(event), { signal });
    root.addEventListener("change", (event) => this.#change(event), { signal });
    root.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#bar.addEventListener("reset", () => setTimeout(() => this.#focusAll()), { signal });
    this.refresh();
  }

  /** The ids of the selected cards. */
  get ids() {
    return this.#boxes.filter((box) => box.checked).map((box) => box.value);
  }

  /** Whether everything in the list is meant, also what is not on the page. */
  get isWhole() {
    return this.#whole?.checked ?? false;
  }

  clear() {
    for (const box of this.#boxes) box.checked = false;
    this.refresh();
  }

  /** Count again, after the selection or the cards changed. */
  refresh() {
    const [all, picked] = [this.#boxes.length, this.ids.length];
    this.#all.checked = all > 0 && picked === all;
    this.#all.indeterminate = picked > 0 && picked < all;
    this.#offerWhole(all > 0 && picked === all);
    const words = part(this.#bar, "picked");
    const { some, none, everything } = words.dataset;
    const text = (this.isWhole && everything) || (picked ? some : none) || "";
    setText(words, text.replace("{count}", String(picked)));
    for (const name of ["bulk-actions", "pick-none"]) part(this.#bar, name).hidden = picked === 0;
    this.#bar.toggleAttribute("data-picked", picked > 0);
    this.#bar.hidden = all === 0;
    if (picked === 0) this.#skip.remove();
  }

  /** @param {boolean} offered whether all on the page are selected, so that the rest may be, too */
  #offerWhole(offered) {
    const [whole, label] = [this.#whole, part(this.#bar, "whole-label")];
    if (!whole || !label) return;
    label.hidden = !offered;
    if (!offered) whole.checked = false;
  }

  /** @param {Event} event */
  #change({ target }) {
    if (target === this.#all) for (const box of this.#boxes) box.checked = this.#all.checked;
    else if (!isPick(target)) return;
    this.refresh();
    announce(part(this.#bar, "picked").textContent ?? "");
    const isOfCard = target !== this.#all && target !== this.#whole;
    if (isPick(target) && isOfCard && this.ids.length > 0) target.after(this.#skip);
  }

  /** @param {MouseEvent} event */
  #click({ target, shiftKey }) {
    if (!isPick(target) || target === this.#all || target === this.#whole) return;
    const boxes = this.#boxes;
    const [to, from] = [boxes.indexOf(target), this.#anchor ? boxes.indexOf(this.#anchor) : -1];
    const between = shiftKey && from >= 0 ? boxes.slice(Math.min(from, to), Math.max(from, to)) : [];
    for (const box of between) box.checked = target.checked;
    this.#anchor = target;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target, key } = event;
    if (!isPick(target) || event.altKey || event.ctrlKey || event.metaKey) return;
    const stops = [this.#all, ...this.#boxes];
    const at = stops.indexOf(target);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: stops.length - 1 }[key];
    if (to === undefined) return;
    event.preventDefault();
    stops[to]?.focus();
  }

  #focusAll() {
    this.refresh();
    this.#all.focus();
  }

  get #all() {
    return /** @type {HTMLInputElement} */ (part(this.#bar, "pick-all"));
  }

  /** The box for everything in the list, if that is more than one page. */
  get #whole() {
    return /** @type {HTMLInputElement | null} */ (part(this.#bar, "whole"));
  }

  get #firstAction() {
    return part(this.#bar, "bulk-actions").querySelector("button");
  }

  get #boxes() {
    const boxes = cardsIn(part(this.#root, "days")).map((card) => card.querySelector("input[name=ids][type=checkbox]"));
    return /** @type {HTMLInputElement[]} */ (boxes.filter((box) => box !== null));
  }
}

/**
 * @param {EventTarget | null} target
 * @returns {target is HTMLInputElement}
 */
function isPick(target) {
  return target instanceof HTMLInputElement && target.matches(".nh-pick");
}
