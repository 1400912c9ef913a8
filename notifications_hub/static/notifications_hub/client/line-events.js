// @ts-check
/**
 * @import { Frame, Item } from "../protocol/wire.js"
 * @import { State } from "../protocol/hub-state.js"
 */

/** A frame came over the line. */
export class LineFrameEvent extends Event {
  /** @param {Frame} frame */
  constructor(frame) {
    super("line-frame");
    this.frame = frame;
  }

  /** An event that is being dispatched cannot be dispatched elsewhere; a copy can. */
  copy() {
    return new LineFrameEvent(this.frame);
  }
}

/** The server cannot read the cursor: everything is to be fetched again, and the line goes on from now. */
export class LineMisplacedEvent extends Event {
  constructor() {
    super("line-misplaced");
  }

  copy() {
    return new LineMisplacedEvent();
  }
}

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

/** Another tab has displayed these. */
export class LineShownEvent extends Event {
  /** @param {string[]} ids */
  constructor(ids) {
    super("line-shown");
    this.ids = ids;
  }
}

/** The line's state changed. */
export class LineStateEvent extends Event {
  /** @param {State} state */
  constructor(state) {
    super("line-state");
    this.state = state;
  }

  copy() {
    return new LineStateEvent(this.state);
  }
}

/** These came while no tab was visible; now that one is, they may be shown. */
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
