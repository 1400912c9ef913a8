// @ts-check
/**
 * @import { ChatApi } from "./chat-api.js"
 * @import { ChatPresence } from "./chat-presence.js"
 * @import { PageWatch } from "../../notifications_hub/client.js"
 */

/** Says that this page is looked at, as long as it is; the answers make good what events did not bring. */
export class PresenceHeartbeat {
  #api;
  #presence;
  #page;

  /**
   * @param {object} options
   * @param {ChatApi} options.api
   * @param {ChatPresence} options.presence
   * @param {PageWatch} options.page
   */
  constructor({ api, presence, page }) {
    this.#api = api;
    this.#presence = presence;
    this.#page = page;
  }

  /**
   * @param {number} every milliseconds
   * @param {AbortSignal} signal ends it
   */
  start(every, signal) {
    const timer = setInterval(() => this.#say(), every);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.#page.addEventListener("page-visible", () => this.#say());
    this.#page.addEventListener("page-left", () => this.#api.here({ gone: true }), { signal });
    this.#say();
  }

  typing() {
    this.#say({ typing: true });
  }

  /** @param {{typing?: boolean}} [how] */
  async #say(how = {}) {
    if (!this.#page.visible) return;
    const faces = await this.#api.here(how);
    if (faces) this.#presence.update(faces, Date.now());
  }
}
