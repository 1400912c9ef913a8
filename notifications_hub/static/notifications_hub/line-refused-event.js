// @ts-check

/** The hub refuses this topic: who asked for it takes it out of the query before the line goes on. */
export class LineRefusedEvent extends Event {
  /** @param {string} topic */
  constructor(topic) {
    super("line-refused");
    this.topic = topic;
  }

  copy() {
    return new LineRefusedEvent(this.topic);
  }
}
