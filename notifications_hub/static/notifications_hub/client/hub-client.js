// @ts-check
/**
 * @import { HubStateName } from "../protocol/hub-state.js"
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
 * A line is a lasting way to the hub: a connection of this tab, reopened when lost, or one shared with another tab.
 * See `HubLine` and `TabLine`.
 *
 * @typedef {EventTarget & {state: HubStateName, notifies: boolean, open(): void, close(): void, resume(): void,
 *   displayed(cursor: string, ids: string[]): void}} Line
 */

/**
 * The hub's events for this page: each exactly once and in order, over any line.
 *
 * Dispatches `hub-event`, `hub-reset`, `hub-refused`, `hub-state` and, after the events of each frame, `hub-frame`.
 * `hub-shown` and `hub-unshown` report the items that other tabs have displayed, or have not.
 */
export class HubClient extends EventTarget {
  #line;
  /** @type {Set<string>} */
  #topics;
  #positions = new TopicPositions();
  /** Topics whose last event revealed a gap. @type {Set<string>} */
  #gaps = new Set();
  #cursor = "";

  /**
   * @param {object} options
   * @param {(query: () => Query) => Line} options.line makes the line; the query returns the current topics and
   *   cursor
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

  /** True on the tab that shows toasts. */
  get notifies() {
    return this.#line.notifies;
  }

  /** @param {string} cursor the position to resume from; "" for now */
  start(cursor) {
    this.#cursor = cursor;
    this.#line.open();
  }

  /** Stop for good. */
  stop() {
    this.#line.close();
  }

  /**
   * Acknowledge everything up to this cursor: a visible page has shown it. Then no other tab shows it, and no other
   * delivery method is used.
   *
   * @param {string} cursor "" while some items have not been shown
   * @param {string[]} [ids] the items shown
   */
  displayed(cursor, ids = []) {
    this.#line.displayed(cursor, ids);
  }

  #listen() {
    const line = this.#line;
    line.addEventListener("line-frame", (event) => this.#receive(/** @type {LineFrameEvent} */ (event).frame));
    line.addEventListener("line-refused", (event) => this.#refused(/** @type {LineRefusedEvent} */ (event).topic));
    line.addEventListener("line-cursor-invalid", () => this.#startOver());
    line.addEventListener("line-state", (event) => {
      const { state, retryAt } = /** @type {LineStateEvent} */ (event);
      this.dispatchEvent(new HubStateEvent(state, retryAt));
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
   * Return false for a gap in the sequence.
   *
   * @param {Entry} entry
   */
  #apply(entry) {
    const verdict = this.#positions.judge(entry.topic, entry.seq);
    if (verdict === Verdict.GAP) return false;
    if (verdict === Verdict.OLD) return true;
    this.#gaps.delete(entry.topic);
    this.dispatchEvent(new HubEvent(entry));
    return true;
  }

  /**
   * Resume from the cursor before this frame, since the frame's own cursor lies beyond the gap. If the same topic has a
   * gap again straight after, the log lacks the event. Treat it as a reset, since asking again would never end.
   *
   * @param {string} topic
   */
  #resume(topic) {
    if (this.#gaps.has(topic)) this.#reset([topic]);
    this.#gaps.add(topic);
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
