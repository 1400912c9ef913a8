// @ts-check
/** @import { Item } from "../protocol/wire.js" */

import { fillItem, spokenOf } from "../inbox/item-dom.js";
import { isUnconfirmed } from "../inbox/item-state.js";
import { part } from "../shared/dom.js";
import { PausableTimer } from "./pausable-timer.js";

const SHOWN_FOR = 8_000;
const LEAVING = [{}, { opacity: 0, transform: "scale(0.96)" }];

/** One toast on the screen: its element and its remaining time. */
export class Toast {
  id = "";
  /** The key of its group; "" if it stands alone. */
  group = "";
  /** Whether it stays until the person confirms or closes it. */
  stays = false;
  /** Whether it is off the screen until there is room. */
  waits = false;
  /** The words for screen readers. An error is urgent. */
  line = { text: "", urgent: false };
  #timer;
  #expired;

  /**
   * @param {Item} item
   * @param {HTMLElement} element a copy of the template
   * @param {(toast: Toast) => void} expired
   */
  constructor(item, element, expired) {
    this.element = element;
    this.#expired = expired;
    this.#timer = this.#begin(item);
  }

  /** Show a newer item of the same group in this place. @param {Item} item */
  become(item) {
    this.#timer.pause();
    this.#timer = this.#begin(item);
  }

  /** @param {Item} item */
  #begin(item) {
    const { element } = this;
    this.id = item.id;
    this.group = item.group?.key ?? "";
    fillItem(element, item);
    this.stays = staysOpen(item);
    this.line = { text: spokenOf(element), urgent: item.level === "error" };
    return new PausableTimer(() => this.#expired(this), SHOWN_FOR);
  }

  /** Whether it shows the result of an action. */
  get showsResult() {
    return part(this.element, "outcome")?.hidden === false;
  }

  /** @param {Item} item */
  update(item) {
    fillItem(this.element, item);
  }

  /** Whether the person is looking at it: it must not be taken away now. */
  get busy() {
    return this.element.matches(":hover, :focus-within");
  }

  run() {
    if (!this.stays) this.#timer.run();
  }

  pause() {
    this.#timer.pause();
  }

  /** Go off the screen until there is room. */
  hold() {
    this.pause();
    this.waits = true;
    this.element.remove();
  }

  async leave() {
    this.#timer.pause();
    this.element.inert = true;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    await this.element.animate(LEAVING, { duration: still ? 0 : 160, easing: "ease-in" }).finished;
    this.element.remove();
  }
}

/**
 * Return whether the item's toast stays until the person confirms or closes it. An error must not pass unseen.
 *
 * @param {Item} item
 */
export function staysOpen(item) {
  return isUnconfirmed(item) || item.level === "error";
}
