// @ts-check
/** @import { Item } from "./wire.js" */

/**
 * A toast is due in a page that is looked at. What shows this news itself claims it, so that nobody is told twice.
 * Bubbles.
 */
export class ToastDueEvent extends Event {
  /** Whether it was shown after all; null where nobody claims it. @type {Promise<boolean> | null} */
  claimed = null;

  /** @param {Item} item */
  constructor(item) {
    super("toast-due", { bubbles: true });
    this.item = item;
  }

  /** @param {Promise<boolean>} shown if it does not come true within three seconds, there is a toast */
  claim(shown) {
    this.claimed ??= shown;
  }
}
