// @ts-check
/** @import { Item } from "./wire.js" */

/** These came before this page, while no tab was visible, and no tab has displayed them. */
export class HubUnshownEvent extends Event {
  /** @param {{items: Item[], cursor: string}} unshown the cursor is to be acknowledged once they were displayed */
  constructor({ items, cursor }) {
    super("hub-unshown");
    this.items = items;
    this.cursor = cursor;
  }
}
