// @ts-check
/** @import { LabConnection } from "./lab-connection.js" */

/** Sends events to this page's topic, one request each, and records the time for all connections. */
export class LabSender {
  #url;
  #csrf;
  #run;
  #connections;
  #n = 0;

  /**
   * @param {object} options
   * @param {URL} options.url
   * @param {string} options.csrf
   * @param {string} options.run
   * @param {LabConnection[]} options.connections
   */
  constructor({ url, csrf, run, connections }) {
    this.#url = url;
    this.#csrf = csrf;
    this.#run = run;
    this.#connections = connections;
  }

  /**
   * @param {{cut?: boolean}} [how]
   * @returns {Promise<boolean>} whether the server accepted it
   */
  async send(how) {
    const n = ++this.#n;
    const now = performance.now();
    for (const { figures } of this.#connections) figures.sent(n, now, how);
    const body = new URLSearchParams({ n: String(n), run: this.#run });
    const request = { method: "POST", headers: { "X-CSRFToken": this.#csrf }, body };
    const answer = await fetch(this.#url, request).catch(() => null);
    if (!answer?.ok) for (const { figures } of this.#connections) figures.unsent(n);
    return answer?.ok ?? false;
  }

  /**
   * Send events at a steady pace, without waiting for the earlier ones.
   *
   * @param {{count: number, every: number, cut?: boolean}} how `every`: milliseconds
   */
  async burst({ count, every, cut }) {
    const sending = [];
    const begun = performance.now();
    for (let index = 0; index < count; index++) {
      await until(begun + index * every);
      sending.push(this.send({ cut }));
    }
    return (await Promise.all(sending)).every(Boolean);
  }
}

/**
 * @param {number} moment of `performance.now()`
 * @returns {Promise<void>}
 */
export function until(moment) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, moment - performance.now())));
}
