// @ts-check
/**
 * @import { Frame, Item } from "../protocol/wire.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 */

/** A frame arrived over the line. */
export class LineFrameEvent extends Event {
  /** @param {Frame} frame */
  constructor(frame) {
    super("line-frame");
    this.frame = frame;
  }

  /** Return a copy: an event that is being dispatched cannot be dispatched elsewhere. */
  copy() {
    return new LineFrameEvent(this.frame);
  }
}

/** The server cannot read the cursor: fetch everything again, and the line continues from now. */
export class LineCursorInvalidEvent extends Event {
  constructor() {
    super("line-cursor-invalid");
  }

  copy() {
    return new LineCursorInvalidEvent();
  }
}

/** The hub refuses this topic. The listener removes it from the query before the line continues. */
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

/** Another tab has displayed these items. */
export class LineShownEvent extends Event {
  /** @param {string[]} ids */
  constructor(ids) {
    super("line-shown");
    this.ids = ids;
  }

  copy() {
    return new LineShownEvent(this.ids);
  }
}

/** The line's state changed. */
export class LineStateEvent extends Event {
  /**
   * @param {HubStateName} state
   * @param {number} [retryAt] when a lost connection is tried again, in milliseconds; 0 if nobody knows
   */
  constructor(state, retryAt = 0) {
    super("line-state");
    this.state = state;
    this.retryAt = retryAt;
  }

  copy() {
    return new LineStateEvent(this.state, this.retryAt);
  }
}

/** These items arrived while no tab was visible. One is visible now, so they may be shown. */
export class LineUnshownEvent extends Event {
  /** @param {{items: Item[], cursor: string}} unshown */
  constructor({ items, cursor }) {
    super("line-unshown");
    this.items = items;
    this.cursor = cursor;
  }

  copy() {
    return new LineUnshownEvent(this);
  }
}
