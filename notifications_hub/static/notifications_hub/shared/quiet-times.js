// @ts-check

/** Milliseconds that one timer may wait: a longer one fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * A person's quiet hours of the next days, as the server gives them: `silent` to show no toasts meanwhile, and `spans` of
 * seconds since the epoch, merged and in order.
 */
export class QuietTimes {
  #silent;
  #spans;

  /** @param {unknown} given parsed JSON; anything else means no quiet hours */
  constructor(given) {
    const { silent, spans } = /** @type {{silent?: boolean, spans?: [number, number][]}} */ (given ?? {});
    this.#silent = silent === true;
    this.#spans = Array.isArray(spans) ? spans.map(([start, end]) => [start * 1000, end * 1000]) : [];
  }

  /** @param {string} text JSON of an attribute, or "" */
  static parse(text) {
    try {
      return new QuietTimes(JSON.parse(text || "null"));
    } catch {
      return new QuietTimes(null);
    }
  }

  /**
   * Return when the quiet hours that hold now end, in milliseconds, or 0.
   *
   * @param {number} now
   */
  endAt(now) {
    return this.#spans.find(([start = 0, end = 0]) => start <= now && now < end)?.[1] ?? 0;
  }

  /**
   * Return whether no toast may be shown now.
   *
   * @param {number} now
   */
  isSilentAt(now) {
    return this.#silent && this.endAt(now) > 0;
  }

  /**
   * Call back at the end of the next quiet hours, or of those that hold now. Long waits are cut, so the callback looks
   * again.
   *
   * @param {() => void} callback
   * @returns {ReturnType<typeof setTimeout> | undefined}
   */
  atEnd(callback) {
    const now = Date.now();
    const end = this.#spans.find(([, end = 0]) => now < end)?.[1] ?? 0;
    return end === 0 ? undefined : setTimeout(callback, Math.min(end - now, LONGEST_TIMER));
  }
}
