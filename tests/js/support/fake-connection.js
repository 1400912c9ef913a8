// @ts-check
/** @import { Entry } from "../../../notifications_hub/static/notifications_hub/protocol/wire.js" */
import {
  ConnectionClosedEvent,
  ConnectionFrameEvent,
} from "../../../notifications_hub/static/notifications_hub/connections/events.js";

/** A connection that the test controls like a server. */
export class FakeConnection extends EventTarget {
  /** @type {any[]} */
  sent = [];
  closed = false;

  /** @param {{topics: Iterable<string>, cursor: string}} query */
  constructor(query) {
    super();
    this.topics = [...query.topics];
    this.cursor = query.cursor;
  }

  open() {
    this.dispatchEvent(new Event("connection-open"));
  }

  /** @param {object} message */
  send(message) {
    if (!this.closed) this.sent.push(message);
    return !this.closed;
  }

  close() {
    this.closed = true;
  }

  /**
   * @param {Partial<Entry>[]} events
   * @param {string} cursor
   * @param {{more?: boolean, reset?: string[]}} [rest]
   */
  sends(events, cursor, { more = false, reset = [] } = {}) {
    const whole = events.map((event) => ({ topic: "inbox", seq: 1, kind: "k", data: {}, at: "", ...event }));
    this.dispatchEvent(new ConnectionFrameEvent({ events: whole, cursor, more, reset }));
  }

  /**
   * @param {number} code
   * @param {string} [reason]
   */
  breaks(code, reason = "") {
    this.closed = true;
    this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }
}
