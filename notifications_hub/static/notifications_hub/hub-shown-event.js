// @ts-check

/** Another tab has displayed these. */
export class HubShownEvent extends Event {
  /** @param {string[]} ids */
  constructor(ids) {
    super("hub-shown");
    this.ids = ids;
  }
}
