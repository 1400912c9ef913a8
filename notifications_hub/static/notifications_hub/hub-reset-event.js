// @ts-check

/** The log cannot say what happened on these topics in between: fetch their state again. */
export class HubResetEvent extends Event {
  /** @param {string[]} topics */
  constructor(topics) {
    super("hub-reset", { bubbles: true });
    this.topics = topics;
  }

  copy() {
    return new HubResetEvent(this.topics);
  }
}
