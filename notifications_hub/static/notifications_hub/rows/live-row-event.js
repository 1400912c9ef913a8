// @ts-check

/** A row of a `<live-list>` was inserted, changed or removed. Bubbles. */
export class LiveRowEvent extends Event {
  /**
   * @param {"created" | "updated" | "deleted"} change
   * @param {HTMLElement} row already out of the page when it was deleted
   */
  constructor(change, row) {
    super("live-row", { bubbles: true });
    this.change = change;
    this.row = row;
    this.key = row.dataset.key ?? "";
  }
}
