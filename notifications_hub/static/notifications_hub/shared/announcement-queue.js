// @ts-check

/** Texts added at the same moment can be merged or dropped by screen readers, so one follows the other (ms). */
const GAP = 150;
/** Afterwards a text is removed, so that nobody comes across it while reading the page (ms). */
const KEPT_FOR = 7_000;

/** Texts on their way into a live region: one at a time, in order, the urgent ones first. */
export class AnnouncementQueue {
  #readyIn;
  #show;
  /** @type {{text: string, urgent: boolean}[]} */
  #waiting = [];
  #running = false;

  /**
   * @param {object} options
   * @param {() => number} options.readyIn returns the milliseconds until the region can be filled
   * @param {(text: string, urgent: boolean) => () => void} options.show returns a function that removes the text
   */
  constructor({ readyIn, show }) {
    this.#readyIn = readyIn;
    this.#show = show;
  }

  /**
   * @param {string} text
   * @param {boolean} urgent
   */
  add(text, urgent) {
    const firstPolite = this.#waiting.findIndex((one) => !one.urgent);
    const at = urgent && firstPolite !== -1 ? firstPolite : this.#waiting.length;
    this.#waiting.splice(at, 0, { text, urgent });
    if (!this.#running) this.#next();
  }

  #next() {
    this.#running = this.#waiting.length > 0;
    if (!this.#running) return;
    const delay = this.#readyIn();
    if (delay === 0) this.#showFirst();
    setTimeout(() => this.#next(), delay || GAP);
  }

  #showFirst() {
    const first = this.#waiting.shift();
    if (first) setTimeout(this.#show(first.text, first.urgent), KEPT_FOR);
  }
}
