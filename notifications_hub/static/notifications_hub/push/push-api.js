// @ts-check
/** @import { Page } from "../protocol/wire.js" */
import { ApiError } from "../shared/api-error.js";
import { CsrfFetch } from "../shared/csrf-fetch.js";

/** Push subscriptions over HTTP. */
export class PushApi {
  #base;
  #keyUrl;
  #http;

  /**
   * @param {object} options
   * @param {string | URL} options.base such as "https://host/api/v1/"
   * @param {string | URL} options.keyUrl
   * @param {string} options.csrf
   * @param {typeof globalThis.fetch} [options.fetch]
   */
  constructor({ base, keyUrl, csrf, fetch }) {
    this.#base = base;
    this.#keyUrl = keyUrl;
    this.#http = new CsrfFetch({ token: csrf, fetch });
  }

  /**
   * Return the key this site's pushes are signed with, or null if the site sends no pushes.
   *
   * @returns {Promise<string | null>}
   */
  async key() {
    const answer = await this.#http.get(this.#keyUrl).catch(nullIfMissing);
    return answer?.key ?? null;
  }

  /**
   * @param {PushSubscriptionJSON & {key?: string}} subscription with the key it was made with
   * @returns {Promise<{id: string, token: string}>} its id on the server, and the token that renews it
   */
  register(subscription) {
    return this.#http.send("POST", this.#url("push/subscriptions/"), subscription);
  }

  /** @returns {Promise<string[]>} the ids of this person's subscriptions in all browsers */
  async ids() {
    const { results } = await this.#http.get(this.#url("push/subscriptions/"));
    return results.map((/** @type {{id: string}} */ { id }) => id);
  }

  /**
   * @param {string} before the `next` of the previous page; "" for the first page
   * @returns {Promise<Page>} one page of unread notifications
   */
  unread(before) {
    const path = `notifications/?unread=true&grouped=false${before && `&before=${encodeURIComponent(before)}`}`;
    return this.#http.get(this.#url(path));
  }

  /** @param {string} id a subscription; a missing one counts as removed */
  async remove(id) {
    await this.#http.send("DELETE", this.#url(`push/subscriptions/${encodeURIComponent(id)}/`)).catch(nullIfMissing);
  }

  /** @param {string} path */
  #url(path) {
    return new URL(path, this.#base);
  }
}

/**
 * @param {unknown} error
 * @returns {null}
 */
function nullIfMissing(error) {
  if (error instanceof ApiError && error.status === 404) return null;
  throw error;
}
