// @ts-check
/** @import { Item } from "../protocol/wire.js" */

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

/** The person followed a toast. */
export class ToastOpenedEvent extends Event {
  /** @param {string} id */
  constructor(id) {
    super("toast-opened");
    this.id = id;
  }
}

/** A visible page has shown all that came up to this cursor; "" where some of it waits yet. */
export class ToastsDisplayedEvent extends Event {
  /**
   * @param {string} cursor
   * @param {string[]} ids of those it showed last
   */
  constructor(cursor, ids) {
    super("toasts-displayed");
    this.cursor = cursor;
    this.ids = ids;
  }
}
