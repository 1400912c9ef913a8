// @ts-check
/** @import { HubEvent } from "../client/hub-events.js" */
import { shortTime } from "../inbox/item-times.js";
import { CsrfFetch } from "../shared/csrf-fetch.js";
import { part, setText } from "../shared/dom.js";

const DAY = 86_400_000;
/** Milliseconds of the mutes that end. @type {Record<string, number>} */
const MUTES = { "mute-day": DAY, "mute-week": 7 * DAY };

/**
 * How a person stands to a thing, as the API and `following.updated` say it.
 *
 * @typedef {{object: string, following: boolean, muted: boolean, muted_until: string | null}} Standing
 */

/**
 * `<follow-button object="…" api="…" csrf="…">` around a form: sends it without leaving the page, and shows what other
 * tabs change. Its parts are `toggle` with `on` and `off`, `words`, and perhaps `menu` with `unmute`.
 */
export class FollowButtonElement extends HTMLElement {
  #life = new AbortController();
  #busy = false;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    // First of all: htmx, which may boost the form, listens to the form itself.
    this.addEventListener("submit", (event) => this.#submit(event), { signal, capture: true });
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.#close(true), { signal });
    document.addEventListener("hub-event", (event) => this.#receive(/** @type {HubEvent} */ (event)), { signal });
    document.addEventListener("click", ({ target }) => this.#clicked(target), { signal });
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    event.stopPropagation();
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    if (!this.#busy && button) this.#send(button.value);
  }

  /** @param {string} action */
  async #send(action) {
    this.#busy = true;
    try {
      const lasts = MUTES[action];
      const path = `following/${lasts ? "mute" : action}/`;
      const until = lasts ? { until: new Date(Date.now() + lasts).toISOString() } : {};
      const api = new URL(path, new URL(this.getAttribute("api") ?? "", document.baseURI));
      const http = new CsrfFetch({ token: this.getAttribute("csrf") ?? "" });
      this.#apply(await http.send("POST", api, { object: this.getAttribute("object"), ...until }));
      this.#close(true);
    } catch {
      this.#say(this.dataset.failed ?? "", { failed: true });
    } finally {
      this.#busy = false;
    }
  }

  /** @param {HubEvent} event */
  #receive({ kind, data }) {
    if (kind === "following.updated" && data.object === this.getAttribute("object")) this.#apply(data);
  }

  /** @param {Standing} standing */
  #apply({ following, muted, muted_until: until }) {
    const toggle = /** @type {HTMLButtonElement} */ (part(this, "toggle"));
    toggle.value = following ? "unfollow" : "follow";
    if (toggle.hasAttribute("aria-pressed")) toggle.setAttribute("aria-pressed", String(following));
    this.#show("on", following);
    this.#show("off", !following);
    this.#show("menu", following);
    this.#show("unmute", muted);
    const { muted: always = "", mutedUntil = "" } = this.dataset;
    const ends = until ? mutedUntil.replace("{time}", shortTime(Date.parse(until))) : always;
    this.#say(muted ? ends : "");
  }

  /**
   * @param {string} words
   * @param {{failed?: boolean}} [how]
   */
  #say(words, { failed = false } = {}) {
    const place = part(this, "words");
    place.toggleAttribute("data-failed", failed);
    setText(place, words);
  }

  /**
   * @param {string} name
   * @param {boolean} visible
   */
  #show(name, visible) {
    const element = part(this, name);
    if (element) element.hidden = !visible;
  }

  /** @param {EventTarget | null} target */
  #clicked(target) {
    if (!(target instanceof Node && this.contains(target))) this.#close(false);
  }

  /** @param {boolean} focus whether the focus returns from the menu to its button */
  #close(focus) {
    const menu = part(this, "menu");
    if (!(menu instanceof HTMLDetailsElement) || !menu.open) return;
    menu.open = false;
    const home = part(this, menu.hidden ? "toggle" : "menu-button");
    if (focus) home?.focus();
  }
}
