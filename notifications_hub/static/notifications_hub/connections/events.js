// @ts-check
/** @import { Frame } from "../protocol/wire.js" */

/** A connection ended, by the server or by the network; never said of one we closed ourselves. */
export class ConnectionClosedEvent extends Event {
  /**
   * @param {number} code
   * @param {string} reason
   */
  constructor(code, reason) {
    super("connection-closed");
    this.code = code;
    this.reason = reason;
  }
}

/** A connection heard a frame. */
export class ConnectionFrameEvent extends Event {
  /** @param {Frame} frame */
  constructor(frame) {
    super("connection-frame");
    this.frame = frame;
  }
}
