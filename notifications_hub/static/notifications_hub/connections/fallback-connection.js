// @ts-check
/**
 * @import { Connection, Message } from "./connection.js"
 * @import { Fallback } from "./fallback.js"
 * @import { Query } from "../protocol/live-url.js"
 */
import { CloseCode, isAnswer } from "../protocol/close-code.js";
import { ConnectionClosedEvent, ConnectionFrameEvent } from "./events.js";

const STEADY_AFTER = 10_000;

/**
 * @typedef {object} ConnectionKind
 * @property {string} name
 * @property {number} patience longest wait for the first frame in milliseconds: a proxy may accept it and forward nothing
 * @property {(query: Query) => Connection} dial
 *
 * @typedef {{connection: Connection, level: number, proven: boolean, openedAt: number,
 *   patience?: ReturnType<typeof setTimeout>}} Attempt
 */

/**
 * A connection of the best kind that works, with the interface of a single connection. If a kind fails before its first
 * frame, the next kind is tried at once. While it uses a lesser kind it also tries a better one, and switches at that
 * one's first frame. The cursor makes the switch seamless.
 */
export class FallbackConnection extends EventTarget {
  #kinds;
  #fallback;
  #query;
  /** @type {Attempt | null} */
  #current = null;
  /** A connection of a better kind, until its first frame. @type {Attempt | null} */
  #candidate = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #upgradeTimer;

  /**
   * @param {object} options
   * @param {ConnectionKind[]} options.kinds best first
   * @param {Fallback} options.fallback
   * @param {() => Query} options.query returns the current topics and cursor
   */
  constructor({ kinds, fallback, query }) {
    super();
    this.#kinds = kinds;
    this.#fallback = fallback;
    this.#query = query;
  }

  open() {
    this.#try(this.#fallback.level);
  }

  /**
   * Return whether the message could be sent.
   *
   * @param {Message} message
   */
  send(message) {
    return this.#current?.connection.send(message) ?? false;
  }

  close() {
    clearTimeout(this.#upgradeTimer);
    this.#drop(this.#current);
    this.#drop(this.#candidate);
    this.#current = null;
    this.#candidate = null;
  }

  /** @param {Attempt | null} attempt */
  #drop(attempt) {
    clearTimeout(attempt?.patience);
    attempt?.connection.close();
  }

  /** @param {number} level */
  #try(level) {
    this.#current = this.#dial(level);
    this.#current.connection.open();
  }

  /**
   * @param {number} level
   * @returns {Attempt}
   */
  #dial(level) {
    const kind = /** @type {ConnectionKind} */ (this.#kinds[level]);
    const connection = kind.dial(this.#query());
    /** @type {Attempt} */
    const attempt = { connection, level, proven: false, openedAt: Date.now() };
    connection.addEventListener("connection-open", () => this.#opened(attempt));
    connection.addEventListener("connection-frame", (event) => {
      this.#receive(attempt, /** @type {ConnectionFrameEvent} */ (event));
    });
    connection.addEventListener("connection-closed", (event) => {
      this.#closed(attempt, /** @type {ConnectionClosedEvent} */ (event));
    });
    attempt.patience = setTimeout(() => this.#timeOut(attempt), kind.patience);
    return attempt;
  }

  /** @param {Attempt} attempt */
  #opened(attempt) {
    if (attempt === this.#current) this.dispatchEvent(new Event("connection-open"));
  }

  /**
   * @param {Attempt} attempt
   * @param {ConnectionFrameEvent} event
   */
  #receive(attempt, { frame }) {
    if (attempt !== this.#current && attempt !== this.#candidate) return;
    if (!attempt.proven) this.#prove(attempt);
    this.dispatchEvent(new ConnectionFrameEvent(frame));
  }

  /** @param {Attempt} attempt */
  #prove(attempt) {
    attempt.proven = true;
    clearTimeout(attempt.patience);
    if (attempt === this.#candidate) this.#switchTo(attempt);
    this.#fallback.worked(attempt.level);
    this.#upgradeLater();
  }

  /** @param {Attempt} attempt */
  #switchTo(attempt) {
    this.#drop(this.#current);
    this.#current = attempt;
    this.#candidate = null;
    this.dispatchEvent(new Event("connection-open"));
  }

  #upgradeLater() {
    clearTimeout(this.#upgradeTimer);
    const wait = this.#fallback.upgradeIn;
    if (wait !== null) this.#upgradeTimer = setTimeout(() => this.#upgradeTo(0), wait);
  }

  /** @param {number} level */
  #upgradeTo(level) {
    if (level >= this.#fallback.level) {
      this.#candidate = null;
      this.#fallback.upgradeFailed();
      return this.#upgradeLater();
    }
    this.#candidate = this.#dial(level);
    this.#candidate.connection.open();
  }

  /** @param {Attempt} attempt */
  #timeOut(attempt) {
    this.#drop(attempt);
    this.#closed(attempt, new ConnectionClosedEvent(CloseCode.SILENT, ""));
  }

  /**
   * @param {Attempt} attempt
   * @param {ConnectionClosedEvent} event
   */
  #closed(attempt, { code, reason }) {
    clearTimeout(attempt.patience);
    if (attempt === this.#candidate) return this.#upgradeTo(attempt.level + 1);
    if (attempt !== this.#current) return;
    const next = isAnswer(code) ? null : this.#levelAfter(attempt);
    if (next !== null) return this.#try(next);
    this.close();
    this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }

  /** @param {Attempt} attempt */
  #levelAfter({ level, proven, openedAt }) {
    if (!proven || Date.now() - openedAt < STEADY_AFTER) return this.#fallback.failed(level);
    this.#fallback.lasted();
    return null;
  }
}
