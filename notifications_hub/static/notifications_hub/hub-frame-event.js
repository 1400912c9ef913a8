// @ts-check

/** A whole frame was applied; its events came before this one. */
export class HubFrameEvent extends Event {
  /**
   * @param {string} cursor what to acknowledge once its items were displayed
   * @param {boolean} more the catch-up goes on
   */
  constructor(cursor, more) {
    super("hub-frame");
    this.cursor = cursor;
    this.more = more;
  }
}
