// @ts-check

/** How far below the visible part of the page the next page is loaded. */
const AHEAD = "600px 0px";
/** How many loads in a row may find nothing, as in a search, before the person is asked whether to go on. */
const IN_VAIN = 10;

/** Follows the link to the next page as soon as it comes near, so that the list seems to have no end. */
export class EndlessList {
  #observer;
  #inVain = 0;

  /**
   * @param {(link: HTMLAnchorElement) => void} load
   * @param {AbortSignal} signal
   */
  constructor(load, signal) {
    this.#observer = new IntersectionObserver(
      (entries) => {
        const near = entries.find((entry) => entry.isIntersecting && entry.target.isConnected);
        if (near && this.goesOn) load(/** @type {HTMLAnchorElement} */ (near.target));
      },
      { rootMargin: AHEAD },
    );
    signal.addEventListener("abort", () => this.#observer.disconnect());
  }

  /** Whether the next page may be loaded without being asked for. */
  get goesOn() {
    return this.#inVain < IN_VAIN;
  }

  /** @param {HTMLAnchorElement | null | undefined} link the link to the next page, if there is one */
  watch(link) {
    this.#observer.disconnect();
    if (link) this.#observer.observe(link);
  }

  /** @param {number} found how many cards the last load added */
  note(found) {
    this.#inVain = found ? 0 : this.#inVain + 1;
  }

  /** The person asked to go on. */
  askedFor() {
    this.#inVain = 0;
  }
}
