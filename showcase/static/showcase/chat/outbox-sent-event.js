// @ts-check
/** @import { Message } from "./chat-message.js" */

/** The server has it. */
export class OutboxSentEvent extends Event {
  /** @param {Message} message */
  constructor(message) {
    super("outbox-sent");
    this.message = message;
  }
}
