// @ts-check

/**
 * What one kind of connection did: how long each event took to come by it, and what it cost. Times are those of
 * `performance.now()`, in milliseconds.
 */
export class LabFigures {
  requests = 0;
  bytes = 0;
  repeats = 0;
  /** When each event was sent, whether or not it came. @type {Map<number, number>} */
  #sent = new Map();
  /** @type {Map<number, number>} */
  #delays = new Map();
  /** Sent while the network was cut: that they are late says nothing of the connection. @type {Set<number>} */
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

  /** One that could not be sent is not waited for. @param {number} n */
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
   * How long an event took, or has been under way.
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

  /** The delay of the event in the middle: half took longer. Null before the first. */
  get typical() {
    const delays = this.#fair.sort((one, other) => one - other);
    const middle = delays.length / 2;
    if (delays.length === 0) return null;
    const [low = 0, high = low] = [delays[Math.ceil(middle) - 1], delays[Math.floor(middle)]];
    return (low + high) / 2;
  }

  get largest() {
    const delays = this.#fair;
    return delays.length ? Math.max(...delays) : null;
  }

  get bytesPerEvent() {
    return this.received ? this.bytes / this.received : null;
  }

  /** Of what was sent while the network was there. */
  get #fair() {
    return [...this.#delays].filter(([n]) => !this.#cut.has(n)).map(([, delay]) => delay);
  }
}
