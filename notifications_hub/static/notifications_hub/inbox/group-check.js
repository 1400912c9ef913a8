// @ts-check

const AT_LEAST = 200;
const SPREAD = 600;

/** Asks for groups that have changed: together, and after a wait that is spread, because many pages may ask. */
export class GroupCheck {
  #ask;
  #random;
  /** @type {Set<string>} */
  #keys = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {(keys: string[]) => Promise<void>} ask must not throw
   * @param {() => number} [random]
   */
  constructor(ask, random = Math.random) {
    this.#ask = ask;
    this.#random = random;
  }

  /** @param {Iterable<string>} keys */
  soon(keys) {
    for (const key of keys) this.#keys.add(key);
    if (this.#keys.size > 0) this.#timer ??= setTimeout(() => this.#run(), AT_LEAST + this.#random() * SPREAD);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#keys.clear();
  }

  async #run() {
    const keys = [...this.#keys];
    this.#keys.clear();
    await this.#ask(keys);
    this.#timer = undefined;
    // Those that changed while it asked.
    this.soon([]);
  }
}
