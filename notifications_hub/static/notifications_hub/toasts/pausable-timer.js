// @ts-check

/** A timer that calls back once after the given time, not counting pauses. It starts paused. */
export class PausableTimer {
  #callback;
  #left;
  #since = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {() => void} callback
   * @param {number} ms
   */
  constructor(callback, ms) {
    this.#callback = callback;
    this.#left = ms;
  }

  run() {
    if (this.#timer !== undefined) return;
    this.#since = Date.now();
    this.#timer = setTimeout(this.#callback, this.#left);
  }

  pause() {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#left = Math.max(0, this.#left - (Date.now() - this.#since));
  }
}
