// @ts-check
/**
 * @import { Entry, Item } from "../protocol/wire.js"
 * @import { State } from "../protocol/hub-state.js"
 */

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

/** Another tab has displayed these. */
export class HubShownEvent extends Event {
  /** @param {string[]} ids */
  constructor(ids) {
    super("hub-shown");
    this.ids = ids;
  }
}

/** The client's state changed. */
export class HubStateEvent extends Event {
  /** @param {State} state */
  constructor(state) {
    super("hub-state", { bubbles: true });
    this.state = state;
  }

  copy() {
    return new HubStateEvent(this.state);
  }
}

/** These came before this page, while no tab was visible, and no tab has displayed them. */
export class HubUnshownEvent extends Event {
  /** @param {{items: Item[], cursor: string}} unshown the cursor is to be acknowledged once they were displayed */
  constructor({ items, cursor }) {
    super("hub-unshown");
    this.items = items;
    this.cursor = cursor;
  }
}
