// @ts-check
/**
 * @import { Face, HistoryPage } from "./chat-message.js"
 * @import { Answer, Waiting } from "./chat-outbox.js"
 */

const PATIENCE = 15_000;

/** The requests of a room's page. The page supplies every URL. */
export class ChatApi {
  #urls;
  #csrf;

  /**
   * @param {object} options
   * @param {{messages: string, read: string, here: string}} options.urls
   * @param {string} options.csrf
   */
  constructor({ urls, csrf }) {
    this.#urls = urls;
    this.#csrf = csrf;
  }

  /**
   * @param {Waiting} waiting
   * @returns {Promise<Answer>}
   */
  async send({ body, client_id }) {
    const response = await this.#post(this.#urls.messages, { body, client_id }).catch(() => null);
    if (!response) return { message: null, retry: true };
    const answer = await response.json().catch(() => null);
    if (response.ok && answer?.id) return { message: answer, retry: false };
    const wait = Number(response.headers.get("Retry-After")) * 1_000 || undefined;
    const retry = response.status === 429 || response.status >= 500;
    return { message: null, retry, wait, detail: answer?.detail };
  }

  /**
   * Fetch the page of the history before this message; 0 for the newest page.
   *
   * @param {number} before
   * @returns {Promise<HistoryPage>}
   */
  async history(before) {
    const url = new URL(this.#urls.messages, document.baseURI);
    if (before) url.searchParams.set("before", String(before));
    const response = await fetch(url, {
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response.json();
  }

  /** @param {number} through */
  async read(through) {
    await this.#post(this.#urls.read, { through: String(through) }, { keepalive: true }).catch(() => null);
  }

  /** @returns {Promise<Face[] | null>} the people who have the room open; null after a failure */
  async here() {
    const headers = { Accept: "application/json" };
    const response = await fetch(this.#urls.here, { headers, signal: AbortSignal.timeout(PATIENCE) }).catch(() => null);
    const answer = response?.ok ? await response.json().catch(() => null) : null;
    return answer?.here ?? null;
  }

  async typing() {
    await this.#post(this.#urls.here, {}).catch(() => null);
  }

  /**
   * @param {string} url
   * @param {Record<string, string>} fields
   * @param {RequestInit} [how]
   */
  #post(url, fields, how = {}) {
    const headers = { Accept: "application/json", "X-CSRFToken": this.#csrf };
    const body = new URLSearchParams(fields);
    return fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE), ...how });
  }
}
