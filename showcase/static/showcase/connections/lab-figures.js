// @ts-check

/**
 * Measurements of one kind of connection: the delay of each event and the cost. Times are those of `performance.now()`,
 * in milliseconds.
 */
export class LabFigures {
  requests = 0;
  bytes = 0;
  repeats = 0;
  /** The time at which each event was sent, arrived or not. @type {Map<number, number>} */
  #sent = new Map();
  /** @type {Map<number, number>} */
  #delays = new Map();
  /** Events sent while the network was cut, whose delay does not count. @type {Set<number>} */
  #cut = new Set();

  /**
   * @param {number} n
   * @param {number} when
   * @param {{cut?: boolean}} [how]
   */
  sent(n, when, { cut = false } = {}) {
    this.#sent.set(n, when);
    if (cut) this.#cut.add(n);
  }

  /** Forget an event that could not be sent. @param {number} n */
  unsent(n) {
    this.#sent.delete(n);
  }

  /**
   * @param {number} n
   * @param {number} when
   */
  arrived(n, when) {
    const sent = this.#sent.get(n);
    if (sent === undefined) return;
    if (this.#delays.has(n)) this.repeats += 1;
    else this.#delays.set(n, when - sent);
  }

  /**
   * Return the delay of an event, or how long it has been under way.
   *
   * @param {number} n
   * @param {number} now
   * @returns {{delay: number, here: boolean, cut: boolean}}
   */
  delayOf(n, now) {
    const cut = this.#cut.has(n);
    const delay = this.#delays.get(n);
    if (delay !== undefined) return { delay, here: true, cut };
    return { delay: now - (this.#sent.get(n) ?? now), here: false, cut };
  }

  get numbers() {
    return [...this.#sent.keys()].sort((one, other) => one - other);
  }

  get received() {
    return this.#delays.size;
  }

  get missing() {
    return this.#sent.size - this.#delays.size;
  }

  /** The median delay; null before the first event. */
  get typical() {
    const delays = this.#fairDelays.sort((one, other) => one - other);
    const middle = delays.length / 2;
    if (delays.length === 0) return null;
    const [low = 0, high = low] = [delays[Math.ceil(middle) - 1], delays[Math.floor(middle)]];
    return (low + high) / 2;
  }

  get largest() {
    const delays = this.#fairDelays;
    return delays.length ? Math.max(...delays) : null;
  }

  get bytesPerEvent() {
    return this.received ? this.bytes / this.received : null;
  }

  /** The delays of events sent while the network was not cut. */
  get #fairDelays() {
    return [...this.#delays].filter(([n]) => !this.#cut.has(n)).map(([, delay]) => delay);
  }
}
