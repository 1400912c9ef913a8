// @ts-check

/**
 * Whether somebody is looking: the page's comings and goings as events. `page-hidden`, `page-visible`, `page-focus`,
 * `page-online`, and `page-left` and `page-restored` around the browser's back and forward cache.
 */
export class PageWatch extends EventTarget {
  #document;
  #hiddenAt = 0;

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
    view?.addEventListener("online", () => this.#say("page-online"), { signal });
    view?.addEventListener("pagehide", () => this.#say("page-left"), { signal });
    view?.addEventListener("pageshow", ({ persisted }) => persisted && this.#say("page-restored"), { signal });
  }

  get visible() {
    return this.#document.visibilityState === "visible";
  }

  #turn() {
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
