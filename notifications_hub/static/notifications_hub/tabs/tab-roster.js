// @ts-check
/**
 * @import { Locks } from "./lead-lock.js"
 * @import { Look } from "./tab-message.js"
 */

/** As many as one connection may carry. */
const MOST_TOPICS = 32;

/**
 * All tabs as their leader knows them. For its line it is what a `PageWatch` is for one tab: `visible` when any of
 * them is.
 */
export class TabRoster extends EventTarget {
  #id;
  #own;
  #lives;
  #ending = new AbortController();
  /** The followers. @type {Map<string, Look>} */
  #tabs = new Map();
  #visible;
  #hiddenAt = Date.now();

  /** How long no tab was visible, the last time none was, in milliseconds. */
  hiddenFor = 0;

  /**
   * @param {object} options
   * @param {string} options.id the leader's own
   * @param {() => Look} options.own its look
   * @param {{locks: Locks, nameOf: (tab: string) => string}} options.lives each tab holds a lock while it lives
   */
  constructor({ id, own, lives }) {
    super();
    this.#id = id;
    this.#own = own;
    this.#lives = lives;
    this.#visible = this.visible;
  }

  get visible() {
    return this.#all.some(([, { visible }]) => visible);
  }

  /** What all of them want, the leader's own first, up to the limit. */
  get topics() {
    return [...this.#wanted].slice(0, MOST_TOPICS);
  }

  /** They want more than one connection may carry. */
  get full() {
    return this.#wanted.size > MOST_TOPICS;
  }

  /** The tab that is to show a toast: the one in focus, else one in sight; "" when none is. */
  get notifier() {
    const visible = this.#all.filter(([, look]) => look.visible && look.toasts !== false);
    const [id] = visible.find(([, { focused }]) => focused) ?? visible[0] ?? [""];
    return id;
  }

  /**
   * @param {string} tab
   * @param {Look} look
   */
  put(tab, look) {
    const isNew = !this.#tabs.has(tab);
    this.#tabs.set(tab, look);
    if (isNew) this.#mourn(tab);
    this.noticed();
  }

  /** @param {string} topic nobody is to ask for again */
  drop(topic) {
    for (const look of this.#tabs.values()) look.topics = look.topics.filter((name) => name !== topic);
  }

  /** Some tab's look is another: say so when it makes a difference to the whole. */
  noticed() {
    const { visible } = this;
    if (visible === this.#visible) return;
    this.#visible = visible;
    if (visible) this.hiddenFor = Date.now() - this.#hiddenAt;
    else this.#hiddenAt = Date.now();
    this.say(visible ? "page-visible" : "page-hidden");
  }

  /** @param {string} type */
  say(type) {
    this.dispatchEvent(new Event(type));
  }

  close() {
    this.#ending.abort();
  }

  get #wanted() {
    return new Set(this.#all.flatMap(([, { topics }]) => topics));
  }

  /** @returns {[string, Look][]} */
  get #all() {
    return [[this.#id, this.#own()], ...this.#tabs];
  }

  /**
   * A tab that is gone, however it went, has let go of its lock.
   *
   * @param {string} tab
   */
  #mourn(tab) {
    const { signal } = this.#ending;
    const gone = () => {
      this.#tabs.delete(tab);
      this.noticed();
    };
    this.#lives.locks.request(this.#lives.nameOf(tab), { signal }, gone).catch(() => {});
  }
}
