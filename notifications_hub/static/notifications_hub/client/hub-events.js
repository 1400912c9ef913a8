// @ts-check
/**
 * @import { Entry, Item } from "../protocol/wire.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 */

/** One event of a topic, applied exactly once and in order. Bubbles when an element dispatches it. */
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

  /** Return a copy: an event that is being dispatched cannot be dispatched elsewhere. */
  copy() {
    return new HubEvent(this.entry);
  }
}

/** A whole frame was applied. Dispatched after the frame's events. */
export class HubFrameEvent extends Event {
  /**
   * @param {string} cursor to acknowledge once the items were displayed
   * @param {boolean} more whether the catch-up continues
   */
  constructor(cursor, more) {
    super("hub-frame");
    this.cursor = cursor;
    this.more = more;
  }
}

/** This person may not listen to this topic, or not any more. */
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

/** The log cannot supply the missing events of these topics: fetch their state again. */
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

/** Another tab has displayed these items. */
export class HubShownEvent extends Event {
  /** @param {string[]} ids */
  constructor(ids) {
    super("hub-shown");
    this.ids = ids;
  }
}

/** The client's state changed. */
export class HubStateEvent extends Event {
  /**
   * @param {HubStateName} state
   * @param {number} [retryAt] when a lost connection is tried again, in milliseconds; 0 if nobody knows
   */
  constructor(state, retryAt = 0) {
    super("hub-state", { bubbles: true });
    this.state = state;
    this.retryAt = retryAt;
  }

  copy() {
    return new HubStateEvent(this.state, this.retryAt);
  }
}

/** These items arrived before this page opened, while no tab was visible, and no tab has displayed them. */
export class HubUnshownEvent extends Event {
  /** @param {{items: Item[], cursor: string}} unshown acknowledge the cursor once the items were displayed */
  constructor({ items, cursor }) {
    super("hub-unshown");
    this.items = items;
    this.cursor = cursor;
  }
}
