// @ts-check
/** @import { Page } from "../protocol/wire.js" */
import { ApiError } from "../shared/api-error.js";

/** Push subscriptions over HTTP. */
export class PushApi {
  #base;
  #keyUrl;
  #csrf;
  #fetch;

  /**
   * @param {object} options
   * @param {string | URL} options.base such as "https://host/api/v1/"
   * @param {string | URL} options.keyUrl
   * @param {string} options.csrf
   * @param {typeof globalThis.fetch} [options.fetch]
   */
  constructor({ base, keyUrl, csrf, fetch = globalThis.fetch.bind(globalThis) }) {
    this.#base = base;
    this.#keyUrl = keyUrl;
    this.#csrf = csrf;
    this.#fetch = fetch;
  }

  /**
   * The key this site's pushes are signed with, or null when the site sends none.
   *
   * @returns {Promise<string | null>}
   */
  async key() {
    const response = await this.#fetch(this.#keyUrl, { credentials: "same-origin" });
    if (response.status === 404) return null;
    return (await answered(response)).key;
  }

  /**
   * @param {PushSubscriptionJSON & {key?: string}} subscription and the key it was made with
   * @returns {Promise<{id: string, token: string}>} the id it has on the server, and what renews it
   */
  async register(subscription) {
    const body = JSON.stringify(subscription);
    const headers = { "Content-Type": "application/json" };
    return answered(await this.#send("push/subscriptions/", { method: "POST", body, headers }));
  }

  /** @returns {Promise<string[]>} of this person's subscriptions, whatever the browser */
  async ids() {
    const { results } = await answered(await this.#ask("push/subscriptions/"));
    return results.map((/** @type {{id: string}} */ { id }) => id);
  }

  /**
   * @param {string} before the `next` of the page before it
   * @returns {Promise<Page>} what is unread
   */
  async unread(before) {
    return answered(await this.#ask(`notifications/?unread=true${before && `&before=${encodeURIComponent(before)}`}`));
  }

  /** @param {string} id one that is not there any more is removed already */
  async remove(id) {
    const response = await this.#send(`push/subscriptions/${encodeURIComponent(id)}/`, { method: "DELETE" });
    if (response.status !== 404) await answered(response);
  }

  /** @param {string} path */
  #ask(path) {
    return this.#fetch(new URL(path, this.#base), { credentials: "same-origin" });
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   */
  #send(path, init) {
    const headers = { ...init.headers, "X-CSRFToken": this.#csrf };
    return this.#fetch(new URL(path, this.#base), { ...init, headers, credentials: "same-origin" });
  }
}

/** @param {Response} response */
async function answered(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer.detail ?? "");
  return answer;
}
