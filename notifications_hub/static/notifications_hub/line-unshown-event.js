// @ts-check
/** @import { Item } from "./wire.js" */

/** These came while no tab was visible; now that one is, they may be shown. */
export class LineUnshownEvent extends Event {
  /** @param {{items: Item[], cursor: string}} unshown */
  constructor({ items, cursor }) {
    super("line-unshown");
    this.items = items;
    this.cursor = cursor;
  }

  copy() {
    return new LineUnshownEvent(this);
  }
}
