// @ts-check

/** Toasts read out in full during a burst; the rest is a number. */
const MOST = 3;
const BURST = 5_000;
/** A burst is summed up once it pauses for this time (ms). */
const QUIET = 1_000;

/** The announcements of toasts: the words of each, and of a burst the first three and a number. */
export class ToastSpeech {
  #announce;
  #summaryOf;
  #spoken = 0;
  #more = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #burst;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #quiet;

  /**
   * @param {object} options
   * @param {(text: string, how: {urgent: boolean}) => void} options.announce
   * @param {(count: number) => string} options.summaryOf
   */
  constructor({ announce, summaryOf }) {
    this.#announce = announce;
    this.#summaryOf = summaryOf;
  }

  /**
   * @param {{text: string, urgent: boolean}[]} lines
   * @param {number} more items that have no line of their own
   */
  add(lines, more = 0) {
    const spoken = lines.slice(0, MOST - this.#spoken);
    for (const line of spoken) this.#say(line);
    this.#more += lines.length - spoken.length + more;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#sumUp(), QUIET);
    this.#burst ??= setTimeout(() => this.#end(), BURST);
  }

  /** Forget the rest of a burst. */
  stop() {
    clearTimeout(this.#quiet);
    clearTimeout(this.#burst);
    this.#burst = undefined;
    this.#spoken = 0;
    this.#more = 0;
  }

  /** @param {{text: string, urgent: boolean}} line */
  #say({ text, urgent }) {
    this.#spoken += 1;
    this.#announce(text, { urgent });
  }

  #sumUp() {
    if (this.#more > 0) this.#announce(this.#summaryOf(this.#more), { urgent: false });
    this.#more = 0;
  }

  #end() {
    this.#sumUp();
    this.stop();
  }
}
