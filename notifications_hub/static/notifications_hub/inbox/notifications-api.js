// @ts-check
/** @import { Counts, Page } from "../protocol/wire.js" */
import { ApiError } from "../shared/api-error.js";

/** The inbox over HTTP. The only place that knows of CSRF. */
export class NotificationsApi {
  #base;
  #csrf;
  #signal;
  #fetch;

  /**
   * @param {object} options
   * @param {string | URL} options.base such as "/api/v1/", whole
   * @param {string} [options.csrf] "" to read Django's cookie
   * @param {AbortSignal} [options.signal] gives up what is under way, except what must outlive the page
   * @param {typeof globalThis.fetch} [options.fetch]
   */
  constructor({ base, csrf = "", signal, fetch = globalThis.fetch.bind(globalThis) }) {
    this.#base = base;
    this.#csrf = csrf;
    this.#signal = signal;
    this.#fetch = fetch;
  }

  /** @returns {Promise<Page>} */
  list() {
    return this.#ask("notifications/", { signal: this.#signal });
  }

  /** @returns {Promise<Counts>} */
  count() {
    return this.#ask("notifications/count/", { signal: this.#signal });
  }

  /** @param {string[]} ids */
  markRead(ids) {
    return this.#send("notifications/read/", { ids });
  }

  markAllRead() {
    return this.#send("notifications/read/", { all: true });
  }

  markAllSeen() {
    return this.#send("notifications/seen/", { all: true });
  }

  /** @param {string[]} ids */
  archive(ids) {
    return this.#send("notifications/archive/", { ids });
  }

  /**
   * Kept alive: a click marks as read and leaves the page in the same moment.
   *
   * @param {string} path
   * @param {{ids: string[]} | {all: true}} body
   * @returns {Promise<{changed: number}>}
   */
  #send(path, body) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": this.#csrf || csrfCookie() };
    return this.#ask(path, { method: "POST", body: JSON.stringify(body), headers, keepalive: true });
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   */
  async #ask(path, init) {
    const headers = { Accept: "application/json", ...init.headers };
    const response = await this.#reach(new URL(path, this.#base), { credentials: "same-origin", ...init, headers });
    const answer = await response.json().catch(() => null);
    if (!response.ok || !answer) throw new ApiError(response.status, answer?.detail ?? "");
    return answer;
  }

  /**
   * @param {URL} url
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
