// @ts-check
/** @import { MarkName } from "./notifications-api.js" */
import { buttonOf } from "./keyboard.js";
import { isArmed, startOf } from "./swipe-path.js";

/** The marks of each direction: the first whose button the card shows. "end" is to the left on a page that reads right. */
const MARKS = { end: ["archive", "unarchive"], start: ["read", "unread"] };
/** How far a card moves for a swipe that does nothing. */
const RESISTANCE = 0.15;
const BACK = { duration: 160, easing: "ease-out" };

/** @typedef {{card: HTMLElement, pointer: number, x: number, y: number, dx: number, isSwipe: boolean}} Swiped */

/**
 * Swipes of cards on a touch screen: towards the end archives, towards the start marks as read or unread. The card shows
 * what will happen, and going back takes the swipe back. Scrolling stays the browser's, by `touch-action: pan-y`.
 */
export class Swipe {
  #root;
  #act;
  /** @type {Swiped | null} */
  #now = null;

  /**
   * @param {HTMLElement} root the `<inbox-page>`
   * @param {(mark: MarkName, card: HTMLElement) => void} act
   * @param {AbortSignal} signal
   */
  constructor(root, act, signal) {
    this.#root = root;
    this.#act = act;
    root.addEventListener("pointerdown", (event) => this.#down(event), { signal });
    root.addEventListener("pointermove", (event) => this.#move(event), { signal });
    root.addEventListener("pointerup", (event) => this.#up(event), { signal });
    root.addEventListener("pointercancel", () => this.#cancel(), { signal });
  }

  /** @param {PointerEvent} event */
  #down({ target, pointerType, isPrimary, pointerId, clientX, clientY }) {
    if (!isPrimary) return this.#cancel();
    const card =
      target instanceof Element &&
      !target.closest(".nh-pick, input, textarea, [popover]") &&
      target.closest(".nh-card");
    if (pointerType !== "touch" || !(card instanceof HTMLElement)) return;
    this.#now = { card, pointer: pointerId, x: clientX, y: clientY, dx: 0, isSwipe: false };
  }

  /** @param {PointerEvent} event */
  #move({ pointerId, clientX, clientY }) {
    const now = this.#now;
    if (!now || now.pointer !== pointerId) return;
    now.dx = clientX - now.x;
    if (!now.isSwipe) {
      const start = startOf(now.dx, clientY - now.y);
      if (start === "scroll") this.#now = null;
      if (start !== "swipe") return;
      now.isSwipe = true;
      now.card.setPointerCapture(pointerId);
    }
    this.#show(now);
  }

  /** @param {Swiped} now */
  #show({ card, dx }) {
    const { mark, side } = this.#planned(card, dx);
    card.style.transform = `translateX(${mark ? dx : dx * RESISTANCE}px)`;
    if (mark) reveal(card, mark, side);
    else cover(card);
    card.toggleAttribute("data-armed", mark !== "" && isArmed(dx, card.offsetWidth));
  }

  /**
   * Return the mark that the swipe would make, or "", and the card's side that it uncovers.
   *
   * @param {HTMLElement} card
   * @param {number} dx
   */
  #planned(card, dx) {
    const isRtl = getComputedStyle(this.#root).direction === "rtl";
    const side = dx < 0 !== isRtl ? "end" : "start";
    return { side, mark: MARKS[side].find((mark) => buttonOf(card, mark)) ?? "" };
  }

  /** @param {PointerEvent} event */
  #up({ pointerId }) {
    const now = this.#now;
    if (!now || now.pointer !== pointerId) return;
    this.#now = null;
    if (!now.isSwipe) return;
    const { card, dx } = now;
    const { mark, side } = this.#planned(card, dx);
    if (mark && isArmed(dx, card.offsetWidth)) this.#finish(card, mark, side === "end" ? Math.sign(dx) : 0);
    else release(card);
  }

  /**
   * @param {HTMLElement} card
   * @param {string} mark
   * @param {number} out -1 or 1 if the card leaves the list, to the left or to the right; 0 if it stays
   */
  async #finish(card, mark, out) {
    if (out) await slide(card, `translateX(${out * 100}%)`);
    else await release(card);
    rest(card);
    if (card.isConnected) this.#act(/** @type {MarkName} */ (mark), card);
  }

  #cancel() {
    const now = this.#now;
    this.#now = null;
    if (now?.isSwipe) release(now.card);
  }
}

/**
 * Show what will happen, on the side that the card uncovers: the icon of the mark's own button.
 *
 * @param {HTMLElement} card
 * @param {string} mark
 * @param {string} side
 */
function reveal(card, mark, side) {
  if (card.dataset.swipe === mark) return;
  cover(card);
  card.dataset.swipe = mark;
  const under = document.createElement("div");
  under.className = "nh-swipe";
  under.dataset.side = side;
  under.setAttribute("aria-hidden", "true");
  under.append(buttonOf(card, mark)?.querySelector("svg")?.cloneNode(true) ?? "");
  card.append(under);
}

/** @param {HTMLElement} card */
function cover(card) {
  delete card.dataset.swipe;
  card.querySelector(":scope > .nh-swipe")?.remove();
}

/**
 * Let a card go back to its place.
 *
 * @param {HTMLElement} card
 */
async function release(card) {
  await slide(card, "none");
  rest(card);
}

/** @param {HTMLElement} card */
function rest(card) {
  card.style.transform = "";
  card.removeAttribute("data-armed");
  cover(card);
}

/**
 * @param {HTMLElement} card
 * @param {string} transform
 */
async function slide(card, transform) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const how = still ? { duration: 0 } : BACK;
  await card.animate([{ transform: card.style.transform }, { transform }], how).finished.catch(() => undefined);
}
