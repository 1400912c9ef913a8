// @ts-check
/** @import { InboxCards } from "./inbox-cards.js" */
import { part } from "../shared/dom.js";
import { idOf, isUnconfirmed } from "./inbox-cards.js";

/** Milliseconds between two changes of the address. Browsers refuse more than about three a second. */
const PAUSE = 400;

/** Keeps the address in step with the card on top of the window, so that Reload and Back return to it. */
export class ScrollAddress {
  #root;
  #cards;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} root the `<inbox-page>`
   * @param {InboxCards} cards
   * @param {AbortSignal} signal
   */
  constructor(root, cards, signal) {
    this.#root = root;
    this.#cards = cards;
    this.#comeBack();
    window.addEventListener("scroll", () => this.#schedule(), { passive: true, signal });
    // The last position counts, if the page is left before the pause is over.
    window.addEventListener("pagehide", () => this.#timer && this.#write(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** After Reload and Back, show the card of the address on top. The page begins with it, unlike at the last visit. */
  #comeBack() {
    const id = new URLSearchParams(location.search).get("at");
    const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
    if (!id || entry?.type === "navigate") return;
    history.scrollRestoration = "manual";
    this.#cards.some([id])[0]?.scrollIntoView({ block: "start", behavior: "instant" });
  }

  #schedule() {
    this.#timer ??= setTimeout(() => this.#write(), PAUSE);
  }

  #write() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const url = new URL(location.href);
    const top = this.#top;
    for (const name of ["before", "after", "at"]) url.searchParams.delete(name);
    if (top) url.searchParams.set("at", top);
    history.scrollRestoration = top ? "manual" : "auto";
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  }

  /** The id of the card on top of the window; empty at the start of the list. */
  get #top() {
    const { all } = this.#cards;
    const listed = all.filter((card) => !isUnconfirmed(card));
    // Where `scrollIntoView()` puts a card: below the bars on top.
    const edge = pixels(document.documentElement, "scrollPaddingBlockStart") + pixels(all[0], "scrollMarginBlockStart");
    // A pixel more than the edge: positions are fractions.
    const top = listed.find((card) => card.getBoundingClientRect().bottom > edge + 1);
    const isStart = top === listed[0] && !part(this.#root, "newer");
    return top && !isStart ? idOf(top) : "";
  }
}

/**
 * @param {Element | undefined} element
 * @param {"scrollPaddingBlockStart" | "scrollMarginBlockStart"} name
 */
function pixels(element, name) {
  // "auto" is no number.
  return (element && Number.parseFloat(getComputedStyle(element)[name])) || 0;
}
