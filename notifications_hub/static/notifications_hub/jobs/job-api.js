// @ts-check
/** @import { Job } from "../protocol/wire.js" */
import { CsrfFetch } from "../shared/csrf-fetch.js";

/** One job over HTTP. */
export class JobApi {
  #url;
  #signal;
  #http;

  /**
   * @param {object} options
   * @param {URL} options.url
   * @param {string} options.csrf
   * @param {AbortSignal} options.signal
   */
  constructor({ url, csrf, signal }) {
    this.#url = url;
    this.#signal = signal;
    this.#http = new CsrfFetch({ token: csrf });
  }

  /** @returns {Promise<Job>} */
  async fetch() {
    return (await this.#http.get(this.#url, { signal: this.#signal })).job;
  }

  cancel() {
    return this.#http.send("POST", new URL("cancel/", this.#url), undefined, { signal: this.#signal });
  }
}
