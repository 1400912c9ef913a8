// @ts-check
/** @import { HubStateEvent } from "../client/hub-events.js" */
import { HubState } from "../protocol/hub-state.js";
import { announce } from "../shared/announcer.js";
import { part, setText } from "../shared/dom.js";

/** Milliseconds that live updates may be away without a word: most lost connections are back by then. */
const PATIENCE = 4_000;
const TRYING = [HubState.WAITING, HubState.CONNECTING];

/**
 * The bar that says that the page is offline, or that its live updates are paused, and when they are tried again. It
 * follows the bell's `hub-state`. Its words are data attributes of the template `_connection.html`.
 */
export class ConnectionNotice {
  #bar;
  #speaks;
  #focusAfter;
  /** @type {string} */
  #state = HubState.IDLE;
  #retryAt = 0;
  /** Since when live updates are away; 0 while they are not. */
  #since = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {HTMLElement} options.bar
   * @param {boolean} options.speaks whether it is announced
   * @param {() => void} options.focusAfter moves the focus when a bar that had it goes away
   * @param {AbortSignal} options.signal
   */
  constructor({ bar, speaks, focusAfter, signal }) {
    this.#bar = bar;
    this.#speaks = speaks;
    this.#focusAfter = focusAfter;
    document.addEventListener("hub-state", (event) => this.#heard(/** @type {HubStateEvent} */ (event)), { signal });
    for (const type of ["online", "offline"]) window.addEventListener(type, () => this.#render(), { signal });
    part(bar, "connection-retry").addEventListener("click", reconnect, { signal });
    signal.addEventListener("abort", () => clearInterval(this.#timer), { once: true });
    this.#render();
  }

  /** @param {HubStateEvent} event of the bell; other elements have connections of their own */
  #heard({ target, state, retryAt }) {
    if (!(target instanceof Element) || target.localName !== "notification-bell") return;
    this.#state = state;
    this.#retryAt = retryAt;
    // Without a next try, the page has just been left, perhaps for the browser's cache of pages.
    if (state === HubState.WAITING && retryAt > 0) this.#since ||= Date.now();
    else if (state !== HubState.CONNECTING) this.#since = 0;
    clearInterval(this.#timer);
    if (this.#since) this.#timer = setInterval(() => this.#render(), 1_000);
    this.#render();
  }

  #render() {
    const isOffline = !navigator.onLine;
    const isPaused = this.#since > 0 && Date.now() - this.#since >= PATIENCE;
    const wasHidden = this.#bar.hidden;
    const text = isOffline ? this.#words("offline") : this.#pausedText();
    if (isOffline || isPaused) setText(part(this.#bar, "connection-text"), text);
    part(this.#bar, "connection-retry").hidden = isOffline || !TRYING.some((state) => state === this.#state);
    this.#toggle(isOffline || isPaused);
    if (!this.#speaks || wasHidden === this.#bar.hidden) return;
    announce(this.#words(this.#bar.hidden ? "back" : isOffline ? "offline" : "trying"));
  }

  #pausedText() {
    const seconds = Math.ceil((this.#retryAt - Date.now()) / 1000);
    const isCounted = this.#state === HubState.WAITING && seconds > 0;
    return isCounted ? this.#words("waiting").replace("{seconds}", String(seconds)) : this.#words("trying");
  }

  /** @param {boolean} visible */
  #toggle(visible) {
    const hadFocus = this.#bar.contains(document.activeElement);
    this.#bar.hidden = !visible;
    if (hadFocus && !document.activeElement?.checkVisibility()) this.#focusAfter();
  }

  /** @param {string} name */
  #words(name) {
    return this.#bar.getAttribute(`data-${name}`) ?? "";
  }
}

function reconnect() {
  const bell = /** @type {{reconnect?: () => void} | null} */ (document.querySelector("notification-bell"));
  bell?.reconnect?.();
}
