// @ts-check
/**
 * @import { ChatApi } from "./chat-api.js"
 * @import { ChatPresence } from "./chat-presence.js"
 * @import { PageWatch } from "../../notifications_hub/dist/client.js"
 */

/** Reports presence as long as somebody looks at this page. The answers make up for lost events. */
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
    const timer = setInterval(() => this.#send(), every);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.#page.addEventListener("page-visible", () => this.#send());
    this.#page.addEventListener("page-left", () => this.#api.here({ gone: true }), { signal });
    this.#send();
  }

  typing() {
    this.#send({ typing: true });
  }

  /** @param {{typing?: boolean}} [how] */
  async #send(how = {}) {
    if (!this.#page.visible) return;
    const faces = await this.#api.here(how);
    if (faces) this.#presence.update(faces, Date.now());
  }
}
