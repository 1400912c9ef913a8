// @ts-check
/** @import { Item } from "../protocol/wire.js" */

/**
 * A toast is due on a visible page. An element that shows the same news claims it, so that the person sees it once. One
 * that has shown it already cancels the event. Bubbles.
 */
export class ToastDueEvent extends Event {
  /** Resolves to whether the claimant showed the news; null if unclaimed. @type {Promise<boolean> | null} */
  claimed = null;

  /** @param {Item} item */
  constructor(item) {
    super("toast-due", { bubbles: true, cancelable: true });
    this.item = item;
  }

  /** @param {Promise<boolean>} shown a toast appears unless this resolves to true within three seconds */
  claim(shown) {
    this.claimed ??= shown;
  }
}

/** The person followed a toast's link. */
export class ToastOpenedEvent extends Event {
  /** @param {string} id */
  constructor(id) {
    super("toast-opened");
    this.id = id;
  }
}

/** The person confirmed a toast that must be. */
export class ToastConfirmedEvent extends Event {
  /** @param {string} id */
  constructor(id) {
    super("toast-confirmed");
    this.id = id;
  }
}

/** A visible page has shown all items up to the cursor; "" while some items still wait. */
export class ToastsDisplayedEvent extends Event {
  /**
   * @param {string} cursor
   * @param {string[]} ids of the items shown last
   */
  constructor(cursor, ids) {
    super("toasts-displayed");
    this.cursor = cursor;
    this.ids = ids;
  }
}
