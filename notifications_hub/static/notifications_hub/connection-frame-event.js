// @ts-check
/** @import { Frame } from "./wire.js" */

/** A connection heard a frame. */
export class ConnectionFrameEvent extends Event {
  /** @param {Frame} frame */
  constructor(frame) {
    super("connection-frame");
    this.frame = frame;
  }
}
