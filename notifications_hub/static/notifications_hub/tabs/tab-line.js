// @ts-check
/**
 * @import { HubLine, Watch } from "../client/hub-line.js"
 * @import { Connection } from "../connections/connection.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 * @import { Locks } from "./lead-lock.js"
 * @import { LineFrameEvent } from "../client/line-events.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { Channel } from "./tab-bus.js"
 * @import { TabStatus, TabMessage } from "./tab-message.js"
 * @import { Item } from "../protocol/wire.js"
 */

import { LineShownEvent, LineStateEvent } from "../client/line-events.js";
import { HubState } from "../protocol/hub-state.js";
import { LeadLock } from "./lead-lock.js";
import { TabBus } from "./tab-bus.js";
import { TabFollower } from "./tab-follower.js";
import { TabLeader } from "./tab-leader.js";

const RELAYED = ["line-frame", "line-refused", "line-cursor-invalid", "line-unshown"];
/** @type {Set<HubStateName>} */
const OVER = new Set([HubState.SIGNED_OUT, HubState.REFUSED]);

/**
 * The leader's or follower's view of its own tab.
 *
 * @typedef {object} OwnTab
 * @property {string} id
 * @property {TabBus} bus
 * @property {Watch & {focused: boolean}} page
 * @property {TabStatus} status
 * @property {{locks: Locks, nameOf: (tab: string) => string}} tabLocks
 * @property {() => Item[]} unshown
 * @property {(cursor: string) => void} ack
 *
 * @typedef {object} Options
 * @property {string} name of the group of tabs that share a connection: one per person in this browser
 * @property {Watch & {focused: boolean}} page
 * @property {() => Query} query
 * @property {(query: () => Query, watch: Watch) => HubLine} newLine
 * @property {(query: Query) => Connection} catchUp polls the hub once
 * @property {() => Item[]} unshown the items this tab has not shown yet
 * @property {boolean} [toasts] false if this tab cannot show toasts
 * @property {(cursor: string) => void} ack
 * @property {Locks} locks
 * @property {(name: string) => Channel} openChannel
 *
 * @typedef {TabLeader | TabFollower | HubLine} Role
 */

/**
 * A line that shares one connection among all tabs of the same person in this browser. One tab leads and holds the
 * connection; the others follow.
 */
export class TabLine extends EventTarget {
  #options;
  #id = crypto.randomUUID();
  /** @type {HubStateName} */
  #state = HubState.IDLE;
  /** Ends this tab's participation. */
  #participation = new AbortController();
  /** @type {OwnTab | null} */
  #ownTab = null;
  /** @type {Role | null} */
  #role = null;
  #term = 0;

  /** @param {Options} options */
  constructor(options) {
    super();
    this.#options = options;
    options.page.addEventListener("page-left", () => this.#ownTab && this.#leave(HubState.WAITING));
    options.page.addEventListener("page-restored", () => this.#state === HubState.WAITING && this.open());
  }

  get state() {
    return this.#state;
  }

  get notifies() {
    return this.#role?.notifies ?? false;
  }

  /** Join the tabs. Take this tab's lock before the first message: others notice by its release that the tab is gone. */
  open() {
    const { signal } = this.#participation;
    const whileHere = () => new Promise((resolve) => this.#join(signal, resolve));
    this.#setState(HubState.CONNECTING);
    this.#options.locks.request(this.#nameOf(this.#id), { signal }, whileHere).catch(() => {});
  }

  close() {
    if (this.#ownTab) this.#leave(HubState.IDLE);
    else this.#take(null);
    this.#setState(HubState.IDLE);
  }

  resume() {
    this.#role?.resume();
  }

  /**
   * @param {string} cursor
   * @param {string[]} ids
   */
  displayed(cursor, ids) {
    if (cursor) this.#role?.displayed(cursor);
    if (ids.length > 0) this.#ownTab?.bus.post({ type: "shown", from: this.#id, ids });
  }

  /**
   * @param {AbortSignal} signal
   * @param {(value?: unknown) => void} left
   */
  #join(signal, left) {
    if (signal.aborted) return left();
    const { locks, name, openChannel } = this.#options;
    const lock = new LeadLock(locks, `${name}:lead`);
    const bus = new TabBus(openChannel(name));
    this.#ownTab = this.#describe(bus);
    bus.addEventListener("tab-message", (event) => this.#receive(/** @type {MessageEvent} */ (event).data));
    lock.addEventListener("lead-gained", () => this.#lead());
    lock.addEventListener("lead-lost", () => this.#follow(lock));
    signal.addEventListener("abort", () => {
      lock.release();
      bus.close();
      left();
    });
    this.#follow(lock);
  }

  /**
   * @param {TabBus} bus
   * @returns {OwnTab}
   */
  #describe(bus) {
    const { page, query, locks, unshown, toasts = true, ack } = this.#options;
    return {
      id: this.#id,
      bus,
      page,
      get status() {
        return { topics: [...query().topics], visible: page.visible, focused: page.focused, toasts };
      },
      tabLocks: { locks, nameOf: (tab) => this.#nameOf(tab) },
      unshown,
      ack,
    };
  }

  /** @param {TabMessage} message */
  #receive(message) {
    if ("term" in message) this.#term = Math.max(this.#term, message.term);
    if (message.type === "shown") this.dispatchEvent(new LineShownEvent(message.ids));
    if (this.#role && "receive" in this.#role) this.#role.receive(message);
  }

  #lead() {
    const { query, newLine } = this.#options;
    const others = this.#term > 0;
    // Use the clock, because a tab without messages so far must not start below a term that others know.
    this.#term = Math.max(this.#term + 1, Date.now());
    const leader = new TabLeader(/** @type {OwnTab} */ (this.#ownTab), this.#term, query, newLine);
    this.#take(leader);
    leader.start({ others });
  }

  /** @param {LeadLock} lock */
  #follow(lock) {
    const { query, catchUp } = this.#options;
    const follower = new TabFollower(/** @type {OwnTab} */ (this.#ownTab), query, catchUp);
    follower.addEventListener("lead-wanted", () => lock.steal());
    follower.addEventListener("topics-full", () => this.#goAlone());
    this.#take(follower);
    follower.start();
    lock.wait();
  }

  /** Use a line of its own: together the tabs want more topics than one connection may carry. */
  #goAlone() {
    this.#leave(HubState.CONNECTING);
    const line = this.#options.newLine(this.#options.query, this.#options.page);
    this.#take(line);
    line.open();
  }

  /** @param {HubStateName} state */
  #leave(state) {
    this.#take(null);
    this.#ownTab = null;
    this.#participation.abort();
    this.#participation = new AbortController();
    this.#setState(state);
  }

  /** @param {Role | null} role */
  #take(role) {
    const before = this.#role;
    this.#role = role;
    if (before) "stop" in before ? before.stop() : before.close();
    for (const type of RELAYED) role?.addEventListener(type, (event) => this.#relay(role, event));
    role?.addEventListener("line-state", (event) => {
      if (role === this.#role) this.#stateChanged(/** @type {LineStateEvent} */ (event));
    });
  }

  /**
   * @param {Role} role
   * @param {Event} event
   */
  #relay(role, event) {
    if (role === this.#role) this.dispatchEvent(/** @type {LineFrameEvent} */ (event).copy());
  }

  /**
   * Leave once this tab may not listen any more, to make room for a tab of a new session. The other tabs find out
   * themselves.
   *
   * @param {LineStateEvent} event
   */
  #stateChanged({ state, retryAt }) {
    if (OVER.has(state)) this.#leave(state);
    else this.#setState(state, retryAt);
  }

  /**
   * @param {HubStateName} state
   * @param {number} [retryAt]
   */
  #setState(state, retryAt) {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new LineStateEvent(state, retryAt));
  }

  /** @param {string} tab */
  #nameOf(tab) {
    return `${this.#options.name}:${tab}`;
  }
}
