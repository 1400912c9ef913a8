// @ts-check
import { timeSince } from "../shared/time-since.js";

const TICK = 5_000;
/** A busy page delays the tick too, but not by this much. */
const SLEPT = 20_000;

/**
 * The visibility and the focus of the page. Dispatches `page-hidden`, `page-visible`, `page-focus`, `page-blur`,
 * `page-online`, `page-woke` after the machine slept, and `page-left` and `page-restored` around the browser's back and
 * forward cache.
 */
export class PageWatch extends EventTarget {
  #document;
  #hiddenAt = 0;
  #tickedAt = Date.now();

  /** Milliseconds for which the page was last hidden. */
  hiddenFor = 0;

  /**
   * @param {AbortSignal} signal ends the watch
   * @param {Document} [doc]
   */
  constructor(signal, doc = document) {
    super();
    this.#document = doc;
    this.#hiddenAt = this.visible ? 0 : Date.now();
    const view = doc.defaultView;
    doc.addEventListener("visibilitychange", () => this.#visibilityChanged(), { signal });
    view?.addEventListener("focus", () => this.#emit("page-focus"), { signal });
    view?.addEventListener("blur", () => this.#emit("page-blur"), { signal });
    view?.addEventListener("online", () => this.#emit("page-online"), { signal });
    view?.addEventListener("pagehide", () => this.#emit("page-left"), { signal });
    view?.addEventListener("pageshow", ({ persisted }) => persisted && this.#emit("page-restored"), { signal });
    const timer = setInterval(() => this.#tick(), TICK);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  get visible() {
    return this.#document.visibilityState === "visible";
  }

  get focused() {
    return this.visible && this.#document.hasFocus();
  }

  /** Detect sleep. A hidden page's timers are slowed, so there a late tick means nothing. */
  #tick() {
    const slept = timeSince(this.#tickedAt) > SLEPT;
    this.#tickedAt = Date.now();
    if (slept && this.visible) this.#emit("page-woke");
  }

  #visibilityChanged() {
    this.#tickedAt = Date.now();
    if (this.visible) this.hiddenFor = timeSince(this.#hiddenAt);
    else this.#hiddenAt = Date.now();
    this.#emit(this.visible ? "page-visible" : "page-hidden");
  }

  /** @param {string} type */
  #emit(type) {
    this.dispatchEvent(new Event(type));
  }
}
