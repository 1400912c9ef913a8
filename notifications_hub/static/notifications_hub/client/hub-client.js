// @ts-check
/**
 * @import { State } from "../protocol/hub-state.js"
 * @import { LineFrameEvent, LineRefusedEvent, LineShownEvent, LineStateEvent, LineUnshownEvent } from "./line-events.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { Entry, Frame } from "../protocol/wire.js"
 */
import {
  HubEvent,
  HubFrameEvent,
  HubRefusedEvent,
  HubResetEvent,
  HubShownEvent,
  HubStateEvent,
  HubUnshownEvent,
} from "./hub-events.js";
import { TopicPositions, Verdict } from "./topic-positions.js";

/**
 * A way to the hub: a connection of this tab, or that of another. See `HubLine`.
 *
 * @typedef {EventTarget & {state: State, notifies: boolean, open(): void, close(): void, resume(): void,
 *   displayed(cursor: string, ids: string[]): void}} Line
 */

/**
 * What this page hears from the hub: every event exactly once and in order, whatever line brings it.
 *
 * Dispatches `hub-event`, `hub-reset`, `hub-refused`, `hub-state` and, after the events of each frame, `hub-frame`;
 * and `hub-shown` and `hub-unshown` of what other tabs have, or have not, displayed.
 */
export class HubClient extends EventTarget {
  #line;
  /** @type {Set<string>} */
  #topics;
  #positions = new TopicPositions();
  /** Topics last seen with a hole. @type {Set<string>} */
  #holes = new Set();
  #cursor = "";

  /**
   * @param {object} options
   * @param {(query: () => Query) => Line} options.line makes it; the query says what is wanted at any time
   * @param {Iterable<string>} [options.topics]
   */
  constructor({ line, topics = ["inbox"] }) {
    super();
    this.#topics = new Set(topics);
    this.#line = line(() => ({ topics: [...this.#topics], cursor: this.#cursor }));
    this.#listen();
  }

  get state() {
    return this.#line.state;
  }

  /** Of all tabs, this is the one to show a toast. */
  get notifies() {
    return this.#line.notifies;
  }

  /** @param {string} cursor where to go on from; "" for now */
  start(cursor) {
    this.#cursor = cursor;
    this.#line.open();
  }

  /** Ends it for good. */
  stop() {
    this.#line.close();
  }

  /**
   * Tells the server that a visible page has shown everything up to this cursor, so no other delivery method need tell it, and
   * other tabs that they need not.
   *
   * @param {string} cursor "" while some of what came has not been shown
   * @param {string[]} [ids] what it showed
   */
  displayed(cursor, ids = []) {
    this.#line.displayed(cursor, ids);
  }

  #listen() {
    const line = this.#line;
    line.addEventListener("line-frame", (event) => this.#receive(/** @type {LineFrameEvent} */ (event).frame));
    line.addEventListener("line-refused", (event) => this.#refused(/** @type {LineRefusedEvent} */ (event).topic));
    line.addEventListener("line-misplaced", () => this.#startOver());
    line.addEventListener("line-state", (event) => {
      this.dispatchEvent(new HubStateEvent(/** @type {LineStateEvent} */ (event).state));
    });
    line.addEventListener("line-shown", (event) => {
      this.dispatchEvent(new HubShownEvent(/** @type {LineShownEvent} */ (event).ids));
    });
    line.addEventListener("line-unshown", (event) => {
      this.dispatchEvent(new HubUnshownEvent(/** @type {LineUnshownEvent} */ (event)));
    });
  }

  /** @param {Frame} frame */
  #receive(frame) {
    if (frame.reset.length) this.#reset(frame.reset);
    for (const entry of frame.events) {
      if (!this.#apply(entry)) return this.#resume(entry.topic);
    }
    this.#cursor = frame.cursor;
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
    this.#line.resume();
  }

  /** @param {string} topic */
  #refused(topic) {
    this.#topics.delete(topic);
    this.dispatchEvent(new HubRefusedEvent(topic));
  }

  #startOver() {
    this.#cursor = "";
    this.#reset([...this.#topics]);
  }
}
