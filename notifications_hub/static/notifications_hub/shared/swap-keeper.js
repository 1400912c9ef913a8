// @ts-check

/** Milliseconds within which a swapped page brings the element that goes on. */
const SWAP_WITHIN = 2_000;

/**
 * Keeps what outlives an element, for the element that replaces it: htmx and Turbo swap the body of a page, and its
 * elements are made anew. Nothing is kept for long, because most removed elements are not replaced.
 *
 * @template T
 */
export class SwapKeeper {
  #end;
  /** @type {{key: string, thing: T, timer: ReturnType<typeof setTimeout>}[]} */
  #kept = [];

  /** @param {(thing: T) => void} end called for what no element has taken */
  constructor(end) {
    this.#end = end;
  }

  /**
   * @param {string} key what the next element must have in common
   * @param {T} thing
   */
  keep(key, thing) {
    const timer = setTimeout(() => this.#expire(key, thing), SWAP_WITHIN);
    this.#kept.push({ key, thing, timer });
  }

  /**
   * Return what was kept under this key, or null.
   *
   * @param {string} key
   * @param {T} [wanted] this one, if several have the key
   */
  take(key, wanted) {
    const at = this.#kept.findIndex((one) => one.key === key && (wanted ?? one.thing) === one.thing);
    if (at === -1) return null;
    const [taken] = this.#kept.splice(at, 1);
    clearTimeout(taken?.timer);
    return taken?.thing ?? null;
  }

  /**
   * @param {string} key
   * @param {T} thing
   */
  #expire(key, thing) {
    this.take(key, thing);
    this.#end(thing);
  }
}
