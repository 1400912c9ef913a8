// @ts-check
/**
 * @import { Locks } from "./lead-lock.js"
 * @import { TabStatus } from "./tab-message.js"
 */
import { timeSince } from "../shared/time-since.js";

/** The most topics that one connection may carry. */
const MOST_TOPICS = 32;

/**
 * All tabs, as their leader knows them. It serves the leader's line like the `PageWatch` of one tab: `visible` is true if
 * any tab is visible.
 */
export class TabRoster extends EventTarget {
  #id;
  #own;
  #tabLocks;
  #ending = new AbortController();
  /** The followers. @type {Map<string, TabStatus>} */
  #tabs = new Map();
  #visible;
  #hiddenAt = Date.now();

  /** Milliseconds for which all tabs were last hidden. */
  hiddenFor = 0;

  /**
   * @param {object} options
   * @param {string} options.id of the leader
   * @param {() => TabStatus} options.own its status
   * @param {{locks: Locks, nameOf: (tab: string) => string}} options.tabLocks each tab holds a lock as long as it exists
   */
  constructor({ id, own, tabLocks }) {
    super();
    this.#id = id;
    this.#own = own;
    this.#tabLocks = tabLocks;
    this.#visible = this.visible;
  }

  get visible() {
    return this.#all.some(([, { visible }]) => visible);
  }

  /** The topics that all tabs want, the leader's own first, up to the limit. */
  get topics() {
    return [...this.#wanted].slice(0, MOST_TOPICS);
  }

  /** True if the tabs want more topics than one connection may carry. */
  get full() {
    return this.#wanted.size > MOST_TOPICS;
  }

  /** The tab that shows toasts: the focused one, else a visible one; "" without any. */
  get notifier() {
    const visible = this.#all.filter(([, status]) => status.visible && status.toasts !== false);
    const [id] = visible.find(([, { focused }]) => focused) ?? visible[0] ?? [""];
    return id;
  }

  /**
   * @param {string} tab
   * @param {TabStatus} status
   */
  update(tab, status) {
    const isNew = !this.#tabs.has(tab);
    this.#tabs.set(tab, status);
    if (isNew) this.#watchExit(tab);
    this.refresh();
  }

  /** @param {string} topic removed from every tab's topics */
  dropTopic(topic) {
    for (const status of this.#tabs.values()) status.topics = status.topics.filter((name) => name !== topic);
  }

  /** Re-evaluate the visibility after a tab's status changed, and dispatch a change. */
  refresh() {
    const { visible } = this;
    if (visible === this.#visible) return;
    this.#visible = visible;
    if (visible) this.hiddenFor = timeSince(this.#hiddenAt);
    else this.#hiddenAt = Date.now();
    this.emit(visible ? "page-visible" : "page-hidden");
  }

  /** @param {string} type */
  emit(type) {
    this.dispatchEvent(new Event(type));
  }

  close() {
    this.#ending.abort();
  }

  get #wanted() {
    return new Set(this.#all.flatMap(([, { topics }]) => topics));
  }

  /** @returns {[string, TabStatus][]} */
  get #all() {
    return [[this.#id, this.#own()], ...this.#tabs];
  }

  /**
   * Remove a tab once it is gone. However it ended, the browser has released its lock.
   *
   * @param {string} tab
   */
  #watchExit(tab) {
    const { signal } = this.#ending;
    const gone = () => {
      this.#tabs.delete(tab);
      this.refresh();
    };
    this.#tabLocks.locks.request(this.#tabLocks.nameOf(tab), { signal }, gone).catch(() => {});
  }
}
