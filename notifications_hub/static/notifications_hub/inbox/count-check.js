// @ts-check

const AT_LEAST = 200;
const SPREAD = 600;
const SETTLED_AFTER = 2_000;

/**
 * A check of the counts, for changes from which this page cannot compute them.
 *
 * Counts come without a cursor, so they may or may not include an event that arrives at about the same time. It asks
 * again as long as events arrive close to an answer. The wait is spread, because one withdrawn announcement makes every
 * page ask.
 */
export class CountCheck {
  #ask;
  #random;
  #asking = false;
  #answeredAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {() => Promise<void>} ask fetches and stores the counts; must not throw
   * @param {() => number} [random]
   */
  constructor(ask, random = Math.random) {
    this.#ask = ask;
    this.#random = random;
  }

  soon() {
    this.#timer ??= setTimeout(() => this.#run(), AT_LEAST + this.#random() * SPREAD);
  }

  /**
   * Check again if needed: an event changed a count.
   *
   * @param {{late?: boolean}} [event] `late` if the event came with a catch-up, so any answer may include it already
   */
  countChanged({ late = false } = {}) {
    const doubtful = Date.now() - this.#answeredAt < SETTLED_AFTER || (late && this.#answeredAt > 0);
    if (this.#asking || doubtful) this.soon();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #run() {
    this.#timer = undefined;
    this.#asking = true;
    await this.#ask();
    this.#asking = false;
    this.#answeredAt = Date.now();
  }
}
