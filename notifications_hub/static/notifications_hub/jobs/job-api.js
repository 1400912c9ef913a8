// @ts-check
/** @import { Job } from "../protocol/wire.js" */
import { ApiError } from "../shared/api-error.js";

/** One job over HTTP. */
export class JobApi {
  #url;
  #csrf;
  #signal;

  /**
   * @param {object} options
   * @param {URL} options.url
   * @param {string} options.csrf
   * @param {AbortSignal} options.signal
   */
  constructor({ url, csrf, signal }) {
    this.#url = url;
    this.#csrf = csrf;
    this.#signal = signal;
  }

  /** @returns {Promise<Job>} */
  async look() {
    return (await this.#ask(this.#url, {})).job;
  }

  cancel() {
    return this.#ask(new URL("cancel/", this.#url), { method: "POST", headers: { "X-CSRFToken": this.#csrf } });
  }

  /**
   * @param {URL} url
   * @param {RequestInit} init
   */
  async #ask(url, init) {
    const response = await fetch(url, { ...init, credentials: "same-origin", signal: this.#signal });
    const answer = await response.json().catch(() => null);
    if (!response.ok || !answer) throw new ApiError(response.status, answer?.detail ?? "");
    return answer;
  }
}
