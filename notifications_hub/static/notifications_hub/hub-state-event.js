// @ts-check
/** @import { State } from "./hub-state.js" */

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
