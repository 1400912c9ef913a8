// @ts-check
/** @import { Counts, Page } from "../protocol/wire.js" */
import { CsrfFetch } from "../shared/csrf-fetch.js";

/** The inbox over HTTP. */
export class NotificationsApi {
  #base;
  #signal;
  #http;

  /**
   * @param {object} options
   * @param {string | URL} options.base absolute, such as "https://host/api/v1/"
   * @param {string} [options.csrf] "" to read Django's cookie
   * @param {AbortSignal} [options.signal] cancels pending reads; changes must outlive the page
   * @param {typeof globalThis.fetch} [options.fetch]
   */
  constructor({ base, csrf, signal, fetch }) {
    this.#base = base;
    this.#signal = signal;
    this.#http = new CsrfFetch({ token: csrf, fetch });
  }

  /** @returns {Promise<Page>} */
  list() {
    return this.#get("notifications/");
  }

  /** @returns {Promise<Counts>} */
  count() {
    return this.#get("notifications/count/");
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

  /** @param {string} path */
  #get(path) {
    return this.#http.get(new URL(path, this.#base), { signal: this.#signal });
  }

  /**
   * Keep the request alive: a click may mark an item as read and leave the page at the same moment.
   *
   * @param {string} path
   * @param {{ids: string[]} | {all: true}} body
   * @returns {Promise<{changed: number}>}
   */
  #send(path, body) {
    return this.#http.send("POST", new URL(path, this.#base), body, { keepalive: true });
  }
}
