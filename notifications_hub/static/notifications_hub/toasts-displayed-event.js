// @ts-check

/** A visible page has shown all that came up to this cursor. */
export class ToastsDisplayedEvent extends Event {
  /** @param {string} cursor */
  constructor(cursor) {
    super("toasts-displayed");
    this.cursor = cursor;
  }
}
