// @ts-check

/** Another tab has displayed these. */
export class LineShownEvent extends Event {
  /** @param {string[]} ids */
  constructor(ids) {
    super("line-shown");
    this.ids = ids;
  }
}
