// @ts-check
/** @import { Message } from "./chat-message.js" */

/**
 * @typedef {{client_id: string, body: string, at: string}} Waiting
 * @typedef {{message: Message | null, retry: boolean, wait?: number, detail?: string}} Answer `retry`: worth another try,
 *   after `wait` milliseconds if the server sets it
 * @typedef {Pick<Storage, "getItem" | "setItem">} Memory
 */

/** The server has stored the message. */
export class OutboxSentEvent extends Event {
  /** @param {Message} message */
  constructor(message) {
    super("outbox-sent");
    this.message = message;
  }
}

/** The server refuses the message, so another try would fail too. */
export class OutboxFailedEvent extends Event {
  /**
   * @param {Waiting} waiting
   * @param {string} detail the server's reason
   */
  constructor(waiting, detail) {
    super("outbox-failed");
    this.waiting = waiting;
    this.detail = detail;
  }
}

/**
 * Messages that are not known to have arrived. They are sent one after the other, and retried until the server accepts
 * or refuses them. Each keeps its `client_id` through all tries and a reload, so that it becomes one message.
 *
 * Dispatches `outbox-sent` and `outbox-failed`.
 */
export class ChatOutbox extends EventTarget {
  #send;
  #memory;
  #key;
  #pause;
  /** @type {Waiting[]} */
  #waiting;
  #tries = 0;
  #sending = false;
  #stopped = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {(waiting: Waiting) => Promise<Answer>} options.send
   * @param {Memory | null} options.memory survives a reload
   * @param {string} options.key in the memory
   * @param {(tries: number) => number} options.pause milliseconds until the next try
   */
  constructor({ send, memory, key, pause }) {
    super();
    this.#send = send;
    this.#memory = memory;
    this.#key = key;
    this.#pause = pause;
    this.#waiting = this.#recall();
  }

  get waiting() {
    return [...this.#waiting];
  }

  /**
   * @param {string} body
   * @returns {Waiting}
   */
  add(body) {
    const waiting = { client_id: newId(), body, at: new Date().toISOString() };
    this.put(waiting);
    return waiting;
  }

  /** @param {Waiting} waiting a new message, or a refused one that is tried again */
  put(waiting) {
    this.#waiting.push(waiting);
    this.#remember();
    this.flush();
  }

  /** @param {string} clientId of a message received over the stream */
  arrived(clientId) {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter(({ client_id }) => client_id !== clientId);
    if (this.#waiting.length !== before) this.#remember();
  }

  /** Send the first waiting message, at once even if a retry is scheduled. */
  async flush() {
    clearTimeout(this.#timer);
    const [first] = this.#waiting;
    if (this.#sending || this.#stopped || !first) return;
    this.#sending = true;
    const answer = await this.#send(first);
    this.#sending = false;
    if (!this.#stopped) this.#answered(first, answer);
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /**
   * @param {Waiting} waiting
   * @param {Answer} answer
   */
  #answered(waiting, { message, retry, wait, detail = "" }) {
    if (retry) {
      this.#timer = setTimeout(() => this.flush(), wait ?? this.#pause(this.#tries++));
      return;
    }
    this.#tries = 0;
    this.arrived(waiting.client_id);
    this.dispatchEvent(message ? new OutboxSentEvent(message) : new OutboxFailedEvent(waiting, detail));
    this.flush();
  }

  /** @returns {Waiting[]} */
  #recall() {
    try {
      return JSON.parse(this.#memory?.getItem(this.#key) ?? "[]");
    } catch {
      return [];
    }
  }

  #remember() {
    try {
      this.#memory?.setItem(this.#key, JSON.stringify(this.#waiting));
    } catch {
      // Without storage, a reload loses the messages that have not arrived.
    }
  }
}

/** Return a random id. `crypto.randomUUID()` is not available to pages over plain http. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
