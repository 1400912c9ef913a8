// @ts-check

const TICK = 5_000;
/** A busy page is late too, but not by this much. */
const SLEPT = 20_000;

/**
 * Whether somebody is looking: the page's comings and goings as events. `page-hidden`, `page-visible`, `page-focus`,
 * `page-blur`, `page-online`, `page-woke` when the machine slept, and `page-left` and `page-restored` around the
 * browser's back and forward cache.
 */
export class PageWatch extends EventTarget {
  #document;
  #hiddenAt = 0;
  #tickedAt = Date.now();

  /** How long the page was last out of sight, in milliseconds. */
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
    doc.addEventListener("visibilitychange", () => this.#turn(), { signal });
    view?.addEventListener("focus", () => this.#say("page-focus"), { signal });
    view?.addEventListener("blur", () => this.#say("page-blur"), { signal });
    view?.addEventListener("online", () => this.#say("page-online"), { signal });
    view?.addEventListener("pagehide", () => this.#say("page-left"), { signal });
    view?.addEventListener("pageshow", ({ persisted }) => persisted && this.#say("page-restored"), { signal });
    const timer = setInterval(() => this.#tick(), TICK);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  get visible() {
    return this.#document.visibilityState === "visible";
  }

  get focused() {
    return this.visible && this.#document.hasFocus();
  }

  /** While a page is hidden its timers are slowed, and lateness says nothing. */
  #tick() {
    const slept = Date.now() - this.#tickedAt > SLEPT;
    this.#tickedAt = Date.now();
    if (slept && this.visible) this.#say("page-woke");
  }

  #turn() {
    this.#tickedAt = Date.now();
    // The wall clock, since the others stand still while a laptop sleeps.
    if (this.visible) this.hiddenFor = Date.now() - this.#hiddenAt;
    else this.#hiddenAt = Date.now();
    this.#say(this.visible ? "page-visible" : "page-hidden");
  }

  /** @param {string} type */
  #say(type) {
    this.dispatchEvent(new Event(type));
  }
}
