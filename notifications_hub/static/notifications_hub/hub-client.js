// @ts-check
/**
 * @import { ConnectionClosedEvent } from "./connection-closed-event.js"
 * @import { ConnectionFrameEvent } from "./connection-frame-event.js"
 * @import { State } from "./hub-state.js"
 * @import { Entry, Frame } from "./wire.js"
 */
import { backoff } from "./backoff.js";
import { CloseCode } from "./close-code.js";
import { HubEvent } from "./hub-event.js";
import { HubFrameEvent } from "./hub-frame-event.js";
import { HubRefusedEvent } from "./hub-refused-event.js";
import { HubResetEvent } from "./hub-reset-event.js";
import { HubState } from "./hub-state.js";
import { HubStateEvent } from "./hub-state-event.js";
import { TopicPositions, Verdict } from "./topic-positions.js";

const FIRST_FRAME_WITHIN = 20_000;
const STEADY_AFTER = 10_000;
const STALE_AFTER = 30_000;
const RESTART_SPREAD = 3_000;

/**
 * @typedef {EventTarget & {open(): void, close(): void, send(message: object): boolean}} Connection
 * @typedef {EventTarget & {visible: boolean, hiddenFor: number}} Watch
 */

/**
 * Keeps this page on the line: one connection, opened again with the newest cursor whenever it is lost, for ever.
 *
 * Dispatches `hub-event`, `hub-reset`, `hub-refused`, `hub-state` and, after the events of each frame, `hub-frame`.
 */
export class HubClient extends EventTarget {
  #connect;
  #page;
  #random;
  /** @type {Set<string>} */
  #topics;
  #positions = new TopicPositions();
  /** Topics last seen with a hole. @type {Set<string>} */
  #holes = new Set();
  #cursor = "";
  #ack = "";
  /** @type {State} */
  #state = HubState.IDLE;
  /** @type {Connection | null} */
  #connection = null;
  #openedAt = 0;
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {(query: {topics: Iterable<string>, cursor: string}) => Connection} options.connect
   * @param {Watch} options.page
   * @param {Iterable<string>} [options.topics]
   * @param {() => number} [options.random]
   */
  constructor({ connect, page, topics = ["inbox"], random = Math.random }) {
    super();
    this.#connect = connect;
    this.#page = page;
    this.#topics = new Set(topics);
    this.#random = random;
  }

  get state() {
    return this.#state;
  }

  /** @param {string} cursor where to go on from; "" for now */
  start(cursor) {
    this.#cursor = cursor;
    this.#watchPage();
    this.#open();
  }

  /** Ends it for good. */
  stop() {
    this.#rest(HubState.IDLE);
  }

  /**
   * Tells the server that a visible page has shown everything up to this cursor, so no other road need tell it.
   *
   * @param {string} cursor
   */
  displayed(cursor) {
    this.#ack = cursor;
    this.#sendAck();
  }

  #watchPage() {
    this.#page.addEventListener("page-hidden", () => this.#sendVisibility());
    this.#page.addEventListener("page-visible", () => {
      this.#sendVisibility();
      this.#comeBack({ stale: this.#page.hiddenFor > STALE_AFTER });
    });
    this.#page.addEventListener("page-focus", () => this.#comeBack({ stale: false }));
    this.#page.addEventListener(
      "page-online",
      () => this.#state !== HubState.CROWDED && this.#comeBack({ stale: true }),
    );
    this.#page.addEventListener("page-left", () => !this.#over && this.#rest(HubState.WAITING));
    this.#page.addEventListener("page-restored", () => this.#comeBack({ stale: true }));
  }

  /**
   * Somebody looks, or the network is back: try at once. A socket cannot be asked whether it is still alive, so one
   * that may have died in its sleep is replaced; with the cursor that costs little and loses nothing.
   *
   * @param {{stale: boolean}} how
   */
  #comeBack({ stale }) {
    const lost = this.#state === HubState.WAITING || this.#state === HubState.CROWDED;
    if (lost || (stale && !this.#over)) this.#open();
  }

  get #over() {
    return this.#state === HubState.IDLE || this.#state === HubState.SIGNED_OUT || this.#state === HubState.REFUSED;
  }

  #open() {
    this.#drop();
    this.#setState(HubState.CONNECTING);
    const connection = this.#connect({ topics: this.#topics, cursor: this.#cursor });
    connection.addEventListener("connection-open", () => this.#greet());
    connection.addEventListener("connection-frame", (event) => {
      this.#receive(/** @type {ConnectionFrameEvent} */ (event).frame);
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
    this.#connection?.close();
    this.#connection = null;
  }

  /** @param {State} state */
  #rest(state) {
    this.#drop();
    this.#setState(state);
  }

  #greet() {
    this.#sendVisibility();
    this.#sendAck();
  }

  #sendVisibility() {
    this.#connection?.send({ visible: this.#page.visible });
  }

  #sendAck() {
    if (this.#ack && this.#page.visible && this.#connection?.send({ ack: this.#ack })) this.#ack = "";
  }

  /** @param {Frame} frame */
  #receive(frame) {
    clearTimeout(this.#timer);
    if (frame.reset.length) this.#reset(frame.reset);
    for (const entry of frame.events) {
      if (!this.#apply(entry)) return this.#resume(entry.topic);
    }
    this.#cursor = frame.cursor;
    if (!frame.more) this.#setState(HubState.LIVE);
    this.dispatchEvent(new HubFrameEvent(frame.cursor, frame.more));
  }

  /** @param {string[]} topics */
  #reset(topics) {
    for (const topic of topics) this.#positions.forget(topic);
    this.dispatchEvent(new HubResetEvent(topics));
  }

  /**
   * Says false for a hole in the sequence.
   *
   * @param {Entry} entry
   */
  #apply(entry) {
    const verdict = this.#positions.judge(entry.topic, entry.seq);
    if (verdict === Verdict.GAP) return false;
    if (verdict === Verdict.OLD) return true;
    this.#holes.delete(entry.topic);
    this.dispatchEvent(new HubEvent(entry));
    return true;
  }

  /**
   * The frame's own cursor lies beyond the hole, so the one before it is used. When the same topic has a hole again
   * straight after, the log itself has none to give: take it as a reset, since asking for ever would help nobody.
   *
   * @param {string} topic
   */
  #resume(topic) {
    if (this.#holes.has(topic)) this.#reset([topic]);
    this.#holes.add(topic);
    this.#wait(backoff(0, this.#random));
  }

  /** @param {ConnectionClosedEvent} event */
  #closed({ code, reason }) {
    if (code === CloseCode.SESSION_OVER) return this.#rest(HubState.SIGNED_OUT);
    if (code === CloseCode.TOO_MANY) return this.#rest(HubState.CROWDED);
    if (code === CloseCode.TOPIC_REFUSED) return this.#refused(reason);
    if (code === CloseCode.RESTART) return this.#wait(this.#random() * RESTART_SPREAD);
    if (code === CloseCode.BAD_FRAME) this.#startOver();
    this.#retry();
  }

  /** @param {string} reason names the topic */
  #refused(reason) {
    const words = reason.split(/[\s,:;"'“”]+/);
    const topic = [...this.#topics].find((name) => words.includes(name)) ?? "inbox";
    this.#topics.delete(topic);
    this.dispatchEvent(new HubRefusedEvent(topic));
    if (topic === "inbox" || this.#topics.size === 0) return this.#rest(HubState.REFUSED);
    this.#wait(backoff(0, this.#random));
  }

  /** The server cannot read our cursor; with it every further try would end the same way. */
  #startOver() {
    this.#cursor = "";
    this.#ack = "";
    this.#reset([...this.#topics]);
  }

  #retry() {
    const steady = this.#state === HubState.LIVE && Date.now() - this.#openedAt > STEADY_AFTER;
    this.#tries = steady ? 0 : this.#tries + 1;
    this.#wait(backoff(this.#tries, this.#random));
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#rest(HubState.WAITING);
    this.#timer = setTimeout(() => this.#open(), ms);
  }

  /** @param {State} state */
  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new HubStateEvent(state));
  }
}
