// @ts-check

/** This person may not, or no longer, listen to this topic. */
export class HubRefusedEvent extends Event {
  /** @param {string} topic */
  constructor(topic) {
    super("hub-refused", { bubbles: true });
    this.topic = topic;
  }

  copy() {
    return new HubRefusedEvent(this.topic);
  }
}
