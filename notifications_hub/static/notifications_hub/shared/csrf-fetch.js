// @ts-check
import { ApiError } from "./api-error.js";

/**
 * Requests to this site's JSON API. This is the only module that handles Django's CSRF token.
 */
export class CsrfFetch {
  #fetch;

  /**
   * @param {object} [options]
   * @param {string} [options.token] "" to read Django's cookie
   * @param {typeof globalThis.fetch} [options.fetch]
   */
  constructor({ token = "", fetch = globalThis.fetch.bind(globalThis) } = {}) {
    /** The newest page's token, or "" to read Django's cookie. */
    this.token = token;
    this.#fetch = fetch;
  }

  /**
   * Read a resource.
   *
   * @param {string | URL} url
   * @param {RequestInit} [init]
   * @returns {Promise<any>} the parsed JSON
   * @throws {ApiError} with status 0 if the server cannot be reached
   */
  get(url, init = {}) {
    return this.#request(url, init);
  }

  /**
   * Send a change, with the CSRF token.
   *
   * @param {"POST" | "PATCH" | "DELETE"} method
   * @param {string | URL} url
   * @param {object} [body] sent as JSON
   * @param {RequestInit} [init]
   * @returns {Promise<any>} the parsed JSON; null for an empty answer
   * @throws {ApiError} with status 0 if the server cannot be reached
   */
  send(method, url, body, init = {}) {
    /** @type {Record<string, string>} */
    const headers = { "X-CSRFToken": this.token || csrfCookie() };
    if (body === undefined) return this.#request(url, { ...init, method, headers });
    headers["Content-Type"] = "application/json";
    return this.#request(url, { ...init, method, headers, body: JSON.stringify(body) });
  }

  /**
   * @param {string | URL} url
   * @param {RequestInit} init
   */
  async #request(url, init) {
    const headers = { Accept: "application/json", ...init.headers };
    // Another origin's API gets cookies too, if it allows that.
    const response = await this.#reach(url, { credentials: "include", ...init, headers });
    const answer = await response.json().catch(() => null);
    const complete = answer !== null || response.status === 204;
    if (!response.ok || !complete) {
      const retryAfter = Number(response.headers.get("Retry-After")) || 0;
      throw new ApiError(response.status, answer?.detail ?? "", answer, retryAfter);
    }
    return answer;
  }

  /**
   * @param {string | URL} url
   * @param {RequestInit} init
   */
  async #reach(url, init) {
    try {
      return await this.#fetch(url, init);
    } catch (error) {
      throw new ApiError(0, String(error));
    }
  }
}

function csrfCookie() {
  return globalThis.document?.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
}
