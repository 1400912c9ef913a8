// @ts-check
/** @import { Frame } from "./wire.js" */

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
