// @ts-check

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
