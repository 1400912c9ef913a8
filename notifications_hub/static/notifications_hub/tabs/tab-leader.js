// @ts-check
/**
 * @import { HubLine, Watch } from "../client/hub-line.js"
 * @import { LineRefusedEvent, LineStateEvent } from "../client/line-events.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { OwnTab } from "./tab-line.js"
 * @import { Hello, TabMessage } from "./tab-message.js"
 */
import { LineCursorInvalidEvent, LineFrameEvent } from "../client/line-events.js";
import { TabRoster } from "./tab-roster.js";

/** Other tabs send their topics within this time (ms), so that one connection is opened for all. */
const HELLOS_WITHIN = 50;
const SIGNS = ["page-focus", "page-online", "page-woke"];

/** The leading tab: holds the connection of all tabs and passes its frames on to them. */
export class TabLeader extends EventTarget {
  #ownTab;
  #query;
  #roster;
  #line;
  #term;
  #number = 0;
  #hiddenAt = 0;
  #ending = new AbortController();
  /** Topics that the hub was asked for before. @type {Set<string>} */
  #carried = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {OwnTab} ownTab
   * @param {number} term
   * @param {() => Query} query the topics and cursor of this tab
   * @param {(query: () => Query, watch: Watch) => HubLine} newLine
   */
  constructor(ownTab, term, query, newLine) {
    super();
    this.#ownTab = ownTab;
    this.#term = term;
    this.#query = query;
    this.#roster = new TabRoster({ id: ownTab.id, own: () => ownTab.status, tabLocks: ownTab.tabLocks });
    this.#line = newLine(() => ({ topics: this.#roster.topics, cursor: query().cursor }), this.#roster);
    this.#hiddenAt = ownTab.page.visible ? 0 : Date.now();
  }

  get state() {
    return this.#line.state;
  }

  get notifies() {
    return this.#roster.notifier === this.#ownTab.id;
  }

  /** @param {{others: boolean}} tabs whether there may be others; they are asked for their topics first */
  start({ others }) {
    this.#watchPage();
    this.#watchLine();
    this.#welcome();
    if (others) this.#timer = setTimeout(() => this.#line.open(), HELLOS_WITHIN);
    else this.#line.open();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#ending.abort();
    this.#line.close();
    this.#roster.close();
  }

  resume() {
    this.#line.resume();
  }

  /** @param {string} cursor */
  displayed(cursor) {
    this.#line.displayed(cursor);
  }

  /** @param {TabMessage} message */
  receive(message) {
    if (message.type === "hello") this.#greet(message);
  }

  #watchPage() {
    const { page } = this.#ownTab;
    const { signal } = this.#ending;
    const turned = () => {
      this.#hiddenAt = page.visible ? 0 : Date.now();
      this.#roster.refresh();
    };
    page.addEventListener("page-visible", turned, { signal });
    page.addEventListener("page-hidden", turned, { signal });
    for (const type of SIGNS) page.addEventListener(type, () => this.#roster.emit(type), { signal });
  }

  #watchLine() {
    const line = this.#line;
    const { signal } = this.#ending;
    line.addEventListener("line-frame", (event) => this.#passOn(/** @type {LineFrameEvent} */ (event)), { signal });
    line.addEventListener("line-refused", (event) => this.#refused(/** @type {LineRefusedEvent} */ (event)), {
      signal,
    });
    line.addEventListener("line-cursor-invalid", () => this.#cursorInvalid(), { signal });
    line.addEventListener("line-state", (event) => this.#stateChanged(/** @type {LineStateEvent} */ (event)), {
      signal,
    });
  }

  /** @param {Hello} hello */
  #greet({ from, status, sign, first }) {
    this.#roster.update(from, status);
    if (sign) this.#roster.emit(sign);
    this.#line.changeTopics();
    this.#welcome(from, first);
  }

  /**
   * @param {string} [to]
   * @param {boolean} [first] whether the tab has only just joined, and needs the waiting items
   */
  #welcome(to = "", first = false) {
    const { id, bus, unshown } = this.#ownTab;
    const topics = this.#roster.topics;
    bus.post({
      type: "welcome",
      from: id,
      term: this.#term,
      to,
      state: this.#line.state,
      retryAt: this.#line.retryAt,
      number: this.#number,
      topics: topics.filter((topic) => this.#line.carries(topic)),
      full: this.#roster.full,
      hiddenFor: this.#hiddenAt && Date.now() - this.#hiddenAt,
      unshown: { items: first ? unshown() : [], cursor: this.#query().cursor },
    });
  }

  /** @param {LineFrameEvent} event */
  #passOn({ frame }) {
    const reset = frame.reset.filter((topic) => this.#concerns(topic));
    const added = this.#roster.topics.filter((topic) => this.#line.carries(topic) && !this.#carried.has(topic));
    for (const topic of added) this.#carried.add(topic);
    this.#number += 1;
    const { id, bus } = this.#ownTab;
    const passed = { ...frame, reset };
    const { notifier } = this.#roster;
    bus.post({ type: "frame", from: id, term: this.#term, number: this.#number, notifier, frame: passed });
    this.dispatchEvent(new LineFrameEvent(passed));
    if (added.length > 0) this.#welcome();
  }

  /**
   * Return whether a reset of this topic concerns all tabs. A topic that was just added for another tab starts with a
   * reset, and that tab refetches by itself. Audiences, which no tab asks for by name, concern every inbox.
   *
   * @param {string} topic
   */
  #concerns(topic) {
    const named = this.#roster.topics.includes(topic);
    return !named || this.#carried.has(topic) || [...this.#query().topics].includes(topic);
  }

  /** @param {LineRefusedEvent} event */
  #refused(event) {
    const { topic } = event;
    this.#roster.dropTopic(topic);
    this.#ownTab.bus.post({ type: "refused", from: this.#ownTab.id, term: this.#term, topic });
    if ([...this.#query().topics].includes(topic)) this.dispatchEvent(event.copy());
  }

  /** Skip a number, so that every tab catches up: the cursor was unreadable, and frames may be missing. */
  #cursorInvalid() {
    this.#number += 1;
    this.dispatchEvent(new LineCursorInvalidEvent());
  }

  /** @param {LineStateEvent} event */
  #stateChanged(event) {
    this.#welcome();
    this.dispatchEvent(event.copy());
  }
}
