// @ts-check
/** @typedef {{name: string, owner: object, granted: (value: unknown) => void, callback: () => unknown}} Held */

/** A browser with several tabs: the locks and broadcast channels that tabs use. */
export class FakeBrowser {
  /** @type {Set<FakeChannel>} */
  channels = new Set();
  /** @type {Map<string, {owner: object, reject: (reason: unknown) => void, resolve: () => void}>} */
  #held = new Map();
  /** @type {{name: string, owner: object, start: () => void}[]} */
  #queue = [];
  /** @type {Set<object>} */
  #dead = new Set();
  /** The tabs whose messages are lost. @type {Set<object>} */
  deaf = new Set();

  /** @param {object} owner the tab that asks */
  locksOf(owner) {
    const request = (/** @type {string} */ name, /** @type {any} */ options, /** @type {any} */ callback) =>
      this.#request(owner, name, options, callback);
    return /** @type {any} */ ({ request });
  }

  /**
   * @param {object} owner
   * @returns {any}
   */
  openChannelOf(owner) {
    return () => new FakeChannel(this, owner);
  }

  /** Close the owner's channels and release its locks. @param {object} owner */
  kill(owner) {
    this.#dead.add(owner);
    for (const channel of this.channels) if (channel.owner === owner) this.channels.delete(channel);
    this.#queue = this.#queue.filter((waiting) => waiting.owner !== owner);
    for (const [name, held] of [...this.#held]) if (held.owner === owner) this.#free(name);
  }

  /** @param {object} owner */
  isDead(owner) {
    return this.#dead.has(owner);
  }

  /** @param {string} end of a lock's name */
  holderOf(end) {
    return [...this.#held].find(([name]) => name.endsWith(end))?.[1].owner;
  }

  /**
   * @param {object} owner
   * @param {string} name
   * @param {{steal?: boolean, signal?: AbortSignal}} options
   * @param {() => unknown} callback
   */
  #request(owner, name, { steal = false, signal }, callback) {
    return new Promise((resolve, reject) => {
      const start = () => this.#grant(owner, name, callback, resolve, reject);
      if (steal) {
        this.#held.get(name)?.reject(new DOMException("stolen", "AbortError"));
        this.#held.delete(name);
        return start();
      }
      const waiting = { name, owner, start };
      this.#queue.push(waiting);
      signal?.addEventListener("abort", () => {
        const before = this.#queue.length;
        this.#queue = this.#queue.filter((one) => one !== waiting);
        if (this.#queue.length < before) reject(signal.reason);
      });
      queueMicrotask(() => this.#next(name));
    });
  }

  /**
   * @param {object} owner
   * @param {string} name
   * @param {() => unknown} callback
   * @param {(value: unknown) => void} resolve
   * @param {(reason: unknown) => void} reject
   */
  #grant(owner, name, callback, resolve, reject) {
    const held = { owner, reject, resolve: () => resolve(undefined) };
    this.#held.set(name, held);
    Promise.resolve(callback()).then(() => {
      if (this.#held.get(name) === held) this.#free(name);
    });
  }

  /** @param {string} name */
  #free(name) {
    this.#held.get(name)?.resolve();
    this.#held.delete(name);
    this.#next(name);
  }

  /** @param {string} name */
  #next(name) {
    if (this.#held.has(name)) return;
    const index = this.#queue.findIndex((waiting) => waiting.name === name);
    if (index >= 0) this.#queue.splice(index, 1)[0]?.start();
  }
}

class FakeChannel extends EventTarget {
  #browser;

  /**
   * @param {FakeBrowser} browser
   * @param {object} owner
   */
  constructor(browser, owner) {
    super();
    this.#browser = browser;
    this.owner = owner;
    browser.channels.add(this);
  }

  /** @param {unknown} message */
  postMessage(message) {
    const data = structuredClone(message);
    for (const channel of this.#browser.channels) {
      if (channel === this || !this.#browser.channels.has(this) || this.#browser.deaf.has(channel.owner)) continue;
      queueMicrotask(() => channel.#receive(data));
    }
  }

  close() {
    this.#browser.channels.delete(this);
  }

  /** @param {unknown} data */
  #receive(data) {
    if (this.#browser.channels.has(this)) this.dispatchEvent(new MessageEvent("message", { data }));
  }
}
