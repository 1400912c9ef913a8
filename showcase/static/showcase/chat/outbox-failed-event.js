// @ts-check
/** @import { Waiting } from "./chat-outbox.js" */

/** The server does not take it, and would not another time. */
export class OutboxFailedEvent extends Event {
  /**
   * @param {Waiting} waiting
   * @param {string} detail what it said
   */
  constructor(waiting, detail) {
    super("outbox-failed");
    this.waiting = waiting;
    this.detail = detail;
  }
}
