// @ts-check
/** @import { State } from "./hub-state.js" */

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
