// @ts-check
/**
 * @import { ConnectionClosedEvent, ConnectionFrameEvent } from "../connections/events.js"
 * @import { Connection } from "../connections/connection.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { OwnTab } from "./tab-line.js"
 * @import { Passed, TabMessage, Welcome } from "./tab-message.js"
 * @import { Frame } from "../protocol/wire.js"
 */

import {
  LineCursorInvalidEvent,
  LineFrameEvent,
  LineRefusedEvent,
  LineStateEvent,
  LineUnshownEvent,
} from "../client/line-events.js";
import { backoff } from "../protocol/backoff.js";
import { CloseCode } from "../protocol/close-code.js";
import { HubState } from "../protocol/hub-state.js";
import { refusedTopic } from "../protocol/refused-topic.js";

const ASKS_EVERY = 3_000;
/** Milliseconds, because a busy page answers late too. A tab that is closed or killed loses the lead at once. */
const ANSWER_WITHIN = 3_000;
/** Browsers slow the timers of a tab that has been hidden for long, so a visible tab then takes the lead. */
const HIDDEN_TOO_LONG = 60_000;
/** A leader in any other state is about to leave, and the next leader finds out itself. @type {Set<HubStateName>} */
const PASSING = new Set([HubState.WAITING, HubState.CROWDED]);
const CHANGES = ["page-visible", "page-hidden", "page-blur"];
const SIGNS = ["page-focus", "page-woke"];

/**
 * A following tab. It joins by polling the hub once for the events it missed, while frames from the leader wait. After
 * that the leader's frames follow without a gap, which their numbers prove.
 */
export class TabFollower extends EventTarget {
  #ownTab;
  #query;
  #catchUp;
  #random;
  #ending = new AbortController();
  /** @type {HubStateName} */
  #state = HubState.CONNECTING;
  /** The term of the leader; 0 before there is one. */
  term = 0;
  #met = false;
  #number = Number.NaN;
  #notifies = false;
  #tries = 0;
  /** Polls the hub for the missed events. @type {Connection | null} */
  #joining = null;
  /** Frames from the leader that arrived while joining. @type {Passed[]} */
  #ahead = [];
  /** Items that no tab has shown, until this tab has caught up. @type {Welcome["unshown"] | null} */
  #unshown = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #answer;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #helloTimer;

  /**
   * @param {OwnTab} ownTab
   * @param {() => Query} query
   * @param {(query: Query) => Connection} catchUp
   * @param {() => number} [random]
   */
  constructor(ownTab, query, catchUp, random = Math.random) {
    super();
    this.#ownTab = ownTab;
    this.#query = query;
    this.#catchUp = catchUp;
    this.#random = random;
  }

  get state() {
    return this.#state;
  }

  get notifies() {
    return this.#notifies;
  }

  start() {
    const { page } = this.#ownTab;
    const { signal } = this.#ending;
    for (const type of CHANGES) page.addEventListener(type, () => this.#hello(), { signal });
    for (const type of SIGNS) page.addEventListener(type, () => this.#hello(type), { signal });
    this.#helloTimer = setInterval(() => page.visible && this.#hello(), ASKS_EVERY);
    this.#hello();
  }

  stop() {
    this.#ending.abort();
    clearInterval(this.#helloTimer);
    clearTimeout(this.#answer);
    this.#unjoin();
  }

  resume() {
    this.#rejoin(backoff(0, this.#random));
  }

  /** @param {string} cursor */
  displayed(cursor) {
    this.#ownTab.ack(cursor);
  }

  /** @param {TabMessage} message */
  receive(message) {
    if (!("term" in message) || message.term < this.term) return;
    if (message.term > this.term) this.#followTerm(message.term);
    if (message.type === "welcome") this.#welcomed(message);
    if (message.type === "frame") this.#receivePassed(message);
    if (message.type === "refused") this.#refused(message.topic);
  }

  /** @param {string} [sign] */
  #hello(sign = "") {
    const { id, bus, status } = this.#ownTab;
    bus.post({ type: "hello", from: id, status, sign, first: !this.#met });
    if (status.visible) this.#answer ??= setTimeout(() => this.#unanswered(), ANSWER_WITHIN);
  }

  /** Take the lead: the leader hangs, or the browser froze it. */
  #unanswered() {
    this.#answer = undefined;
    if (this.#ownTab.page.visible) this.#takeLead();
  }

  #takeLead() {
    this.dispatchEvent(new Event("lead-wanted"));
  }

  /** @param {Welcome} welcome */
  #welcomed({ to, state, retryAt, number, topics, full, hiddenFor, unshown }) {
    if (to && to !== this.#ownTab.id) return;
    if (to) this.#answered();
    if (unshown.items.length > 0) this.#unshown = unshown;
    if (to && hiddenFor > HIDDEN_TOO_LONG && this.#ownTab.page.visible) return this.#takeLead();
    if (state !== HubState.LIVE) return this.#setState(PASSING.has(state) ? state : HubState.CONNECTING, retryAt);
    if (this.#number !== number) this.#unjoin();
    const carried = [...this.#query().topics].every((topic) => topics.includes(topic));
    if (carried && Number.isNaN(this.#number)) this.#join(number);
    else if (!Number.isNaN(this.#number) && !this.#joining) this.#setState(HubState.LIVE);
    else if (!carried && full) this.dispatchEvent(new Event("topics-full"));
  }

  /** @param {number} term */
  #followTerm(term) {
    this.term = term;
    this.#unjoin();
    this.#setState(HubState.CONNECTING);
    this.#hello();
  }

  #answered() {
    this.#met = true;
    clearTimeout(this.#answer);
    this.#answer = undefined;
  }

  /** @param {Passed} passed */
  #receivePassed(passed) {
    if (Number.isNaN(this.#number)) return;
    if (passed.number !== this.#number + 1) return this.#rejoin(0);
    this.#number = passed.number;
    if (this.#joining) this.#ahead.push(passed);
    else this.#emitFrame(passed.frame, passed.notifier);
  }

  /** @param {number} number of the leader's last frame: the leader passes on every event after it */
  #join(number) {
    this.#number = number;
    const joining = this.#catchUp(this.#query());
    joining.addEventListener("connection-frame", (event) => {
      if (joining === this.#joining) this.#caughtUp(/** @type {ConnectionFrameEvent} */ (event).frame);
    });
    joining.addEventListener("connection-closed", (event) => {
      if (joining === this.#joining) this.#joinFailed(/** @type {ConnectionClosedEvent} */ (event));
    });
    this.#joining = joining;
    joining.open();
  }

  /** @param {Frame} frame */
  #caughtUp(frame) {
    // Other tabs have received this too, so this one shows no toast for it.
    this.#emitFrame(frame, "");
    if (frame.more || !this.#joining) return;
    this.#joining.close();
    this.#joining = null;
    this.#tries = 0;
    this.#emitAhead();
  }

  #emitAhead() {
    const ahead = this.#ahead.splice(0);
    for (const { frame, notifier } of ahead) {
      if (Number.isNaN(this.#number)) return;
      this.#emitFrame(frame, notifier);
    }
    if (Number.isNaN(this.#number)) return;
    this.#setState(HubState.LIVE);
    if (this.#unshown) this.dispatchEvent(new LineUnshownEvent(this.#unshown));
    this.#unshown = null;
  }

  /**
   * @param {Frame} frame
   * @param {string} notifier
   */
  #emitFrame(frame, notifier) {
    this.#notifies = notifier === this.#ownTab.id;
    this.dispatchEvent(new LineFrameEvent(frame));
  }

  /** @param {ConnectionClosedEvent} event */
  #joinFailed({ code, reason }) {
    this.#unjoin();
    if (code === CloseCode.SESSION_OVER) return this.#setState(HubState.SIGNED_OUT);
    if (code === CloseCode.TOPIC_REFUSED) this.#refused(refusedTopic(reason, this.#query().topics));
    if (code === CloseCode.BAD_FRAME) this.dispatchEvent(new LineCursorInvalidEvent());
    if (this.#state !== HubState.REFUSED) this.#rejoin(backoff(this.#tries++, this.#random));
  }

  /** @param {string} topic */
  #refused(topic) {
    if (![...this.#query().topics].includes(topic)) return;
    this.dispatchEvent(new LineRefusedEvent(topic));
    if (topic === "inbox") this.#setState(HubState.REFUSED);
    else this.#rejoin(0);
  }

  /** @param {number} ms */
  #rejoin(ms) {
    this.#unjoin();
    this.#setState(HubState.CONNECTING);
    this.#retry = setTimeout(() => this.#hello(), ms);
  }

  #unjoin() {
    clearTimeout(this.#retry);
    this.#joining?.close();
    this.#joining = null;
    this.#ahead = [];
    this.#number = Number.NaN;
  }

  /**
   * @param {HubStateName} state
   * @param {number} [retryAt]
   */
  #setState(state, retryAt) {
    if (state === this.#state || this.#ending.signal.aborted) return;
    this.#state = state;
    this.dispatchEvent(new LineStateEvent(state, retryAt));
  }
}
