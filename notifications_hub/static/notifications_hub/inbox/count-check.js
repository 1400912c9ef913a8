// @ts-check

const AT_LEAST = 200;
const SPREAD = 600;
const SETTLED_AFTER = 2_000;

/**
 * Asks for the counts when they cannot be worked out here.
 *
 * Counts come without a cursor: an event that arrives around the answer may be in it or not. So as long as events keep
 * arriving close to one, it is asked again. The wait is spread, since one withdrawn announcement makes every page ask.
 */
export class CountCheck {
  #ask;
  #random;
  #asking = false;
  #answeredAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {() => Promise<void>} ask fetches and stores them; must not fail
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
   * An event moved a count.
   *
   * @param {{late?: boolean}} [event] `late`: it came with what we had missed, so any answer may have had it already
   */
  moved({ late = false } = {}) {
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
