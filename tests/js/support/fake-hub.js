// @ts-check
import {
  ConnectionClosedEvent,
  ConnectionFrameEvent,
} from "../../../notifications_hub/static/notifications_hub/connections/events.js";

/** @typedef {import("../../../notifications_hub/static/notifications_hub/protocol/live-url.js").Query} Query */

/** A hub with a log. It sends the events after the cursor over any kind of connection. */
export class FakeHub {
  /** The number of each topic's last event. @type {Map<string, number>} */
  tops = new Map([["inbox", 0]]);
  /** @type {Set<HubConnection>} */
  open = new Set();
  opened = 0;
  polled = 0;
  /** Refused topics. @type {Set<string>} */
  refused = new Set();
  /** Topics that the inbox includes. @type {Set<string>} */
  included = new Set();
  /** Whether it accepts `{"topics": […]}` on an open connection. */
  takesTopics = true;

  /** @param {string} topic */
  publish(topic) {
    this.tops.set(topic, this.top(topic) + 1);
    for (const connection of [...this.open]) connection.deliver();
  }

  /** @param {string} topic */
  top(topic) {
    return this.tops.get(topic) ?? 0;
  }

  /** @param {Query} query */
  connect(query) {
    this.opened += 1;
    return new HubConnection(this, query, { stays: true });
  }

  /** @param {Query} query */
  poll(query) {
    this.polled += 1;
    return new HubConnection(this, query, { stays: false });
  }

  /** @param {number} code */
  breakAll(code) {
    for (const connection of [...this.open]) connection.breaks(code);
  }
}

class HubConnection extends EventTarget {
  #hub;
  #stays;
  #topics;
  /** @type {Map<string, number>} */
  #positions;
  /** @type {string[]} */
  #reset = [];
  #closed = false;
  /** @type {any[]} */
  sent = [];

  /**
   * @param {FakeHub} hub
   * @param {Query} query
   * @param {{stays: boolean}} how
   */
  constructor(hub, { topics, cursor }, { stays }) {
    super();
    this.#hub = hub;
    this.#stays = stays;
    this.#topics = [...topics];
    this.#positions = new Map(cursor ? Object.entries(JSON.parse(cursor)) : this.#topics.map((t) => [t, hub.top(t)]));
  }

  get topics() {
    return this.#topics;
  }

  open() {
    if (this.#stays) this.#hub.open.add(this);
    queueMicrotask(() => this.#greet());
  }

  /** @param {any} message */
  send(message) {
    if (this.#closed) return false;
    this.sent.push(message);
    if (message.topics && this.#hub.takesTopics) {
      this.#topics = [...message.topics];
      queueMicrotask(() => this.#greet());
    }
    return true;
  }

  close() {
    this.#closed = true;
    this.#hub.open.delete(this);
  }

  /** @param {number} code @param {string} [reason] */
  breaks(code, reason = "") {
    if (this.#closed) return;
    this.close();
    this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }

  #greet() {
    const refused = this.#topics.find((topic) => this.#hub.refused.has(topic));
    if (refused) return this.breaks(4403, `topic refused: ${refused}`);
    this.#reset = this.#topics.filter((topic) => !this.#positions.has(topic) && !this.#hub.included.has(topic));
    for (const topic of this.#reset) this.#positions.set(topic, this.#hub.top(topic));
    this.deliver();
  }

  deliver() {
    if (this.#closed) return;
    const events = this.#topics.flatMap((topic) => this.#since(topic));
    const reset = this.#reset.splice(0);
    const cursor = JSON.stringify(Object.fromEntries(this.#positions));
    this.dispatchEvent(new ConnectionFrameEvent({ events, cursor, more: false, reset }));
  }

  /** @param {string} topic */
  #since(topic) {
    const from = this.#positions.get(topic) ?? this.#hub.top(topic);
    const to = this.#hub.top(topic);
    this.#positions.set(topic, to);
    return Array.from({ length: to - from }, (_, index) => ({
      topic,
      seq: from + index + 1,
      kind: "k",
      data: {},
      at: "",
    }));
  }
}
