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
 * @typedef {object} Kind
 * @property {string} name
 * @property {number} patience milliseconds until its first frame: a proxy may take it and pass nothing on
 * @property {(query: Query) => Connection} dial
 *
 * @typedef {{connection: Connection, level: number, heard: boolean, openedAt: number,
 *   patience?: ReturnType<typeof setTimeout>}} Attempt
 */

/**
 * One connection of the best kind that works; for who uses it a connection like any other. Where a kind fails before
 * its first frame the next is tried at once. On a lower one it tries a better beside it, and changes over with that
 * one's first frame: the cursor makes the change seamless.
 */
export class FallbackConnection extends EventTarget {
  #kinds;
  #fallback;
  #query;
  /** @type {Attempt | null} */
  #current = null;
  /** A better kind, until its first frame. @type {Attempt | null} */
  #candidate = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #upgradeTimer;

  /**
   * @param {object} options
   * @param {Kind[]} options.kinds best first
   * @param {Fallback} options.fallback
   * @param {() => Query} options.query what is wanted now
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
   * Says whether it could be sent.
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
    const kind = /** @type {Kind} */ (this.#kinds[level]);
    const connection = kind.dial(this.#query());
    /** @type {Attempt} */
    const attempt = { connection, level, heard: false, openedAt: Date.now() };
    connection.addEventListener("connection-open", () => this.#opened(attempt));
    connection.addEventListener("connection-frame", (event) => {
      this.#hear(attempt, /** @type {ConnectionFrameEvent} */ (event));
    });
    connection.addEventListener("connection-closed", (event) => {
      this.#closed(attempt, /** @type {ConnectionClosedEvent} */ (event));
    });
    attempt.patience = setTimeout(() => this.#giveUp(attempt), kind.patience);
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
  #hear(attempt, { frame }) {
    if (attempt !== this.#current && attempt !== this.#candidate) return;
    if (!attempt.heard) this.#proved(attempt);
    this.dispatchEvent(new ConnectionFrameEvent(frame));
  }

  /** @param {Attempt} attempt */
  #proved(attempt) {
    attempt.heard = true;
    clearTimeout(attempt.patience);
    if (attempt === this.#candidate) this.#changeOver(attempt);
    this.#fallback.worked(attempt.level);
    this.#upgradeLater();
  }

  /** @param {Attempt} attempt */
  #changeOver(attempt) {
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
  #giveUp(attempt) {
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
    const next = isAnswer(code) ? null : this.#after(attempt);
    if (next !== null) return this.#try(next);
    this.close();
    this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }

  /** @param {Attempt} attempt */
  #after({ level, heard, openedAt }) {
    if (!heard || Date.now() - openedAt < STEADY_AFTER) return this.#fallback.failed(level);
    this.#fallback.held();
    return null;
  }
}
