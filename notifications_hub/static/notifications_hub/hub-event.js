// @ts-check
/** @import { Entry } from "./wire.js" */

/** One event of a topic, applied exactly once and in order. Bubbles when an element passes it on. */
export class HubEvent extends Event {
  /** @param {Entry} entry */
  constructor(entry) {
    super("hub-event", { bubbles: true });
    this.entry = entry;
    this.topic = entry.topic;
    this.seq = entry.seq;
    this.kind = entry.kind;
    this.data = entry.data;
    this.at = entry.at;
  }

  /** An event that was dispatched cannot be dispatched again elsewhere; a copy can. */
  copy() {
    return new HubEvent(this.entry);
  }
}
