// @ts-check
/**
 * @import { Connection, Message } from "../client/hub-line.js"
 * @import { Ladder } from "./fallback.js"
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
 * @typedef {{connection: Connection, rung: number, heard: boolean, openedAt: number,
 *   patience?: ReturnType<typeof setTimeout>}} Attempt
 */

/**
 * One connection of the best kind that works; for who uses it a connection like any other. Where a kind fails before
 * its first frame the next is tried at once. On a lower one it tries a better beside it, and changes over with that
 * one's first frame: the cursor makes the change seamless.
 */
export class LadderConnection extends EventTarget {
  #kinds;
  #ladder;
  #query;
  /** @type {Attempt | null} */
  #current = null;
  /** A better kind, until its first frame. @type {Attempt | null} */
  #climbing = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #climb;

  /**
   * @param {object} options
   * @param {Kind[]} options.kinds best first
   * @param {Ladder} options.ladder
   * @param {() => Query} options.query what is wanted now
   */
  constructor({ kinds, ladder, query }) {
    super();
    this.#kinds = kinds;
    this.#ladder = ladder;
    this.#query = query;
  }

  open() {
    this.#try(this.#ladder.rung);
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
    clearTimeout(this.#climb);
    this.#drop(this.#current);
    this.#drop(this.#climbing);
    this.#current = null;
    this.#climbing = null;
  }

  /** @param {Attempt | null} attempt */
  #drop(attempt) {
    clearTimeout(attempt?.patience);
    attempt?.connection.close();
  }

  /** @param {number} rung */
  #try(rung) {
    this.#current = this.#dial(rung);
    this.#current.connection.open();
  }

  /**
   * @param {number} rung
   * @returns {Attempt}
   */
  #dial(rung) {
    const kind = /** @type {Kind} */ (this.#kinds[rung]);
    const connection = kind.dial(this.#query());
    /** @type {Attempt} */
    const attempt = { connection, rung, heard: false, openedAt: Date.now() };
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
    if (attempt !== this.#current && attempt !== this.#climbing) return;
    if (!attempt.heard) this.#proved(attempt);
    this.dispatchEvent(new ConnectionFrameEvent(frame));
  }

  /** @param {Attempt} attempt */
  #proved(attempt) {
    attempt.heard = true;
    clearTimeout(attempt.patience);
    if (attempt === this.#climbing) this.#changeOver(attempt);
    this.#ladder.worked(attempt.rung);
    this.#climbLater();
  }

  /** @param {Attempt} attempt */
  #changeOver(attempt) {
    this.#drop(this.#current);
    this.#current = attempt;
    this.#climbing = null;
    this.dispatchEvent(new Event("connection-open"));
  }

  #climbLater() {
    clearTimeout(this.#climb);
    const wait = this.#ladder.climbIn;
    if (wait !== null) this.#climb = setTimeout(() => this.#climbTo(0), wait);
  }

  /** @param {number} rung */
  #climbTo(rung) {
    if (rung >= this.#ladder.rung) {
      this.#climbing = null;
      this.#ladder.climbFailed();
      return this.#climbLater();
    }
    this.#climbing = this.#dial(rung);
    this.#climbing.connection.open();
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
    if (attempt === this.#climbing) return this.#climbTo(attempt.rung + 1);
    if (attempt !== this.#current) return;
    const next = isAnswer(code) ? null : this.#after(attempt);
    if (next !== null) return this.#try(next);
    this.close();
    this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }

  /** @param {Attempt} attempt */
  #after({ rung, heard, openedAt }) {
    if (!heard || Date.now() - openedAt < STEADY_AFTER) return this.#ladder.failed(rung);
    this.#ladder.held();
    return null;
  }
}
