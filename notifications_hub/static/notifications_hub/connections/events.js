// @ts-check
/** @import { Frame } from "../protocol/wire.js" */

/** The server or the network ended a connection. Not dispatched when this side closed it. */
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

/** A connection received a frame. */
export class ConnectionFrameEvent extends Event {
  /** @param {Frame} frame */
  constructor(frame) {
    super("connection-frame");
    this.frame = frame;
  }
}
