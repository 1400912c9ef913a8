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
  #timer;

  /**
   * @param {Item} item
   * @param {HTMLElement} element a copy of the template
   * @param {() => void} expired
   */
  constructor(item, element, expired) {
    this.id = item.id;
    this.element = element;
    this.#timer = new PausableTimer(expired, SHOWN_FOR);
    fillItem(element, item);
    /** Whether it stays until the person confirms or closes it. */
    this.stays = staysOpen(item);
    /** Whether it is off the screen until there is room. */
    this.waits = false;
    /** The words for screen readers. An error is urgent. */
    this.line = { text: spokenOf(element), urgent: item.level === "error" };
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
