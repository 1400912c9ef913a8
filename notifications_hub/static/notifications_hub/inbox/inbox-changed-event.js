// @ts-check
/** @import { Change } from "./inbox-store.js" */

/** The inbox is another: its items, its counts or its state. */
export class InboxChangedEvent extends Event {
  /**
   * @param {Change | null} change null when all of it is to be looked at again
   * @param {string} cursor what to acknowledge once the fresh items were displayed
   */
  constructor(change = null, cursor = "") {
    super("inbox-changed", { bubbles: true });
    this.change = change;
    this.cursor = cursor;
  }

  copy() {
    return new InboxChangedEvent(this.change, this.cursor);
  }
}
