// @ts-check
/**
 * @import { Connection } from "../connections/connection.js"
 * @import { ConnectionClosedEvent, ConnectionFrameEvent } from "../connections/events.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { Frame } from "../protocol/wire.js"
 */
import { backoff } from "../protocol/backoff.js";
import { CloseCode } from "../protocol/close-code.js";
import { HubState } from "../protocol/hub-state.js";
import { refusedTopic } from "../protocol/refused-topic.js";
import { waitAsked } from "../protocol/wait-asked.js";
import { timeSince } from "../shared/time-since.js";
import { LineCursorInvalidEvent, LineFrameEvent, LineRefusedEvent, LineStateEvent } from "./line-events.js";

const FIRST_FRAME_WITHIN = 30_000;
const STEADY_AFTER = 10_000;
const STALE_AFTER = 30_000;
/** Several signs of a return within this time count as one. */
const FRESH_FOR = 3_000;
const RESTART_SPREAD = 3_000;
const TOPICS_WITHIN = 3_000;

/** @typedef {EventTarget & {visible: boolean, hiddenFor: number}} Watch */

/**
 * A line of this tab alone: one connection at a time, reopened from the newest cursor whenever it is lost.
 *
 * Dispatches `line-frame`, `line-state`, `line-refused`, and `line-cursor-invalid` if the server cannot read the cursor.
 */
export class HubLine extends EventTarget {
  #connect;
  #watch;
  #query;
  #random;
  #watching = false;
  #ack = "";
  /** @type {HubStateName} */
  #state = HubState.IDLE;
  /** When a lost connection is tried again; 0 while none is. */
  retryAt = 0;
  /** @type {Connection | null} */
  #connection = null;
  #openedAt = 0;
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** The topics asked for on this connection. @type {Set<string>} */
  #asked = new Set();
  /** The topics that the connection is known to carry. @type {Set<string>} */
  #carried = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #topicsTimer;

  /**
   * @param {object} options
   * @param {(query: () => Query) => Connection} options.connect
   * @param {Watch} options.watch the visibility of the page
   * @param {() => Query} options.query the topics and the newest cursor
   * @param {() => number} [options.random]
   */
  constructor({ connect, watch, query, random = Math.random }) {
    super();
    this.#connect = connect;
    this.#watch = watch;
    this.#query = query;
    this.#random = random;
  }

  get state() {
    return this.#state;
  }

  /** True: a tab with a line of its own shows its own toasts. */
  get notifies() {
    return true;
  }

  /** @param {string} topic */
  carries(topic) {
    return this.#carried.has(topic);
  }

  open() {
    this.#watchPage();
    this.#open();
  }

  /** Close for good. */
  close() {
    this.#closeAs(HubState.IDLE);
  }

  /** Reopen from the last cursor: a frame did not follow the previous one. */
  resume() {
    this.#wait(backoff(0, this.#random));
  }

  /** Ask for the query's new topics. Topics that were removed end with the next connection. */
  changeTopics() {
    const topics = [...this.#query().topics];
    if (this.#isOver || !this.#connection || topics.every((topic) => this.#asked.has(topic))) return;
    this.#asked = new Set(topics);
    clearTimeout(this.#topicsTimer);
    if (this.#connection.send({ topics })) this.#topicsTimer = setTimeout(() => this.#open(), TOPICS_WITHIN);
    else this.#open();
  }

  /**
   * Acknowledge everything up to this cursor: a visible page has shown it, so no other delivery method is needed.
   *
   * @param {string} cursor
   */
  displayed(cursor) {
    if (cursor) this.#ack = cursor;
    this.#sendAck();
  }

  #watchPage() {
    if (this.#watching) return;
    this.#watching = true;
    const watch = this.#watch;
    watch.addEventListener("page-hidden", () => this.#sendVisibility());
    watch.addEventListener("page-visible", () => {
      this.#sendVisibility();
      this.#return({ stale: watch.hiddenFor > STALE_AFTER });
    });
    watch.addEventListener("page-focus", () => this.#return({ stale: false }));
    for (const type of ["page-online", "page-woke"]) {
      watch.addEventListener(type, () => this.#state !== HubState.CROWDED && this.#return({ stale: true }));
    }
    watch.addEventListener("page-left", () => !this.#isOver && this.#closeAs(HubState.WAITING));
    watch.addEventListener("page-restored", () => this.#return({ stale: true }));
  }

  /**
   * Reconnect at once: a person has returned to the page, or the network is back. Nothing can check that a connection is
   * alive, so one that may have died during sleep is replaced. With the cursor that costs little and loses nothing.
   *
   * @param {{stale: boolean}} how
   */
  #return({ stale }) {
    const lost = this.#state === HubState.WAITING || this.#state === HubState.CROWDED;
    const fresh = this.#connection !== null && timeSince(this.#openedAt) < FRESH_FOR;
    if (lost || (stale && !this.#isOver && !fresh)) this.#open();
  }

  get #isOver() {
    return this.#state === HubState.IDLE || this.#state === HubState.SIGNED_OUT || this.#state === HubState.REFUSED;
  }

  #open() {
    this.#drop();
    this.#setState(HubState.CONNECTING);
    this.#asked = new Set(this.#query().topics);
    this.#carried = new Set();
    const connection = this.#connect(this.#query);
    connection.addEventListener("connection-open", () => this.#introduce());
    connection.addEventListener("connection-frame", (event) => {
      this.#receive(/** @type {ConnectionFrameEvent} */ (event));
    });
    connection.addEventListener("connection-closed", (event) => {
      this.#closed(/** @type {ConnectionClosedEvent} */ (event));
    });
    this.#connection = connection;
    this.#openedAt = Date.now();
    this.#timer = setTimeout(() => this.#retry(), FIRST_FRAME_WITHIN);
    connection.open();
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#topicsTimer);
    this.#connection?.close();
    this.#connection = null;
  }

  /**
   * @param {HubStateName} state
   * @param {number} [retryAt]
   */
  #closeAs(state, retryAt) {
    this.#drop();
    this.#setState(state, retryAt);
  }

  #introduce() {
    this.#sendVisibility();
    this.#sendAck();
  }

  #sendVisibility() {
    this.#connection?.send({ visible: this.#watch.visible });
  }

  #sendAck() {
    if (this.#ack && this.#watch.visible && this.#connection?.send({ ack: this.#ack })) this.#ack = "";
  }

  /** @param {ConnectionFrameEvent} event */
  #receive({ frame }) {
    clearTimeout(this.#timer);
    this.#learnTopics(frame);
    const connection = this.#connection;
    this.dispatchEvent(new LineFrameEvent(frame));
    // A listener may have found a gap and called `resume()`.
    if (!frame.more && connection && connection === this.#connection) this.#setState(HubState.LIVE);
  }

  /**
   * Learn which topics the connection carries. The first frame confirms all that were asked for, and so does an empty
   * one. Later frames list added topics in `reset`, except those already included, as the inbox includes audiences.
   *
   * @param {Frame} frame
   */
  #learnTopics({ events, reset }) {
    const answer = this.#carried.size === 0 || (events.length === 0 && reset.length === 0);
    const known = answer ? this.#asked : reset;
    for (const topic of known) if (this.#asked.has(topic)) this.#carried.add(topic);
    if ([...this.#asked].every((topic) => this.#carried.has(topic))) clearTimeout(this.#topicsTimer);
  }

  /**
   * Handle the end of the connection. TOO_MANY on a live connection means that the person has newer ones, so this line
   * rests. Before it was live, too many others opened at the same moment, so it tries again.
   *
   * @param {ConnectionClosedEvent} event
   */
  #closed({ code, reason }) {
    if (code === CloseCode.SESSION_OVER) return this.#closeAs(HubState.SIGNED_OUT);
    if (code === CloseCode.TOO_MANY && this.#state === HubState.LIVE) return this.#closeAs(HubState.CROWDED);
    if (code === CloseCode.TOPIC_REFUSED) return this.#refused(reason);
    // A server that refuses again and again is not one that restarts, so that wait grows.
    const restarts = code === CloseCode.RESTART && this.#state === HubState.LIVE;
    if (restarts) return this.#wait(this.#random() * RESTART_SPREAD);
    if (code === CloseCode.BAD_FRAME) this.#cursorInvalid();
    this.#retry(waitAsked(reason));
  }

  /** @param {string} reason names the topic */
  #refused(reason) {
    const topic = refusedTopic(reason, this.#query().topics);
    this.dispatchEvent(new LineRefusedEvent(topic));
    if (topic === "inbox" || [...this.#query().topics].length === 0) return this.#closeAs(HubState.REFUSED);
    this.#wait(backoff(0, this.#random));
  }

  /** Give up the cursor: the server cannot read it, so every further try would fail too. */
  #cursorInvalid() {
    this.#ack = "";
    this.dispatchEvent(new LineCursorInvalidEvent());
  }

  /** @param {number} [asked] milliseconds that the server asked to wait at least */
  #retry(asked = 0) {
    const steady = this.#state === HubState.LIVE && timeSince(this.#openedAt) > STEADY_AFTER;
    this.#tries = steady ? 0 : this.#tries + 1;
    // On top of the wait, so that those who were refused together do not come back together.
    this.#wait(asked + backoff(this.#tries, this.#random));
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#closeAs(HubState.WAITING, Date.now() + ms);
    this.#timer = setTimeout(() => this.#open(), ms);
  }

  /**
   * @param {HubStateName} state
   * @param {number} [retryAt]
   */
  #setState(state, retryAt = 0) {
    this.retryAt = retryAt;
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new LineStateEvent(state, retryAt));
  }
}
