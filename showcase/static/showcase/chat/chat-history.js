// @ts-check
/** @import { HistoryPage, Message } from "./chat-message.js" */

/**
 * How far back the page shows the room, so that history and stream join. Ids are given before a commit, so a message may
 * come late that belongs further up: one that belongs above what is shown waits for the page of the history it is on,
 * which may have been read before it was there.
 */
export class ChatHistory {
  #oldest;
  #more;
  /** @type {Map<number, Message>} */
  #above = new Map();

  /**
   * @param {object} shown
   * @param {number} shown.oldest id of the first message shown
   * @param {boolean} shown.more whether there are older ones
   */
  constructor({ oldest, more }) {
    this.#more = more;
    this.#oldest = more ? oldest : 0;
  }

  get oldest() {
    return this.#oldest;
  }

  get more() {
    return this.#more;
  }

  /**
   * What to show now that this message came.
   *
   * @param {Message} message
   * @returns {Message[]}
   */
  heard(message) {
    if (message.id >= this.#oldest) return [message];
    this.#above.set(message.id, message);
    return [];
  }

  /**
   * What to show of the page before; or, after a reset, of the newest one.
   *
   * @param {HistoryPage} page
   * @returns {Message[]}
   */
  loaded({ results, older }) {
    this.#more = older;
    this.#oldest = older ? (results[0]?.id ?? 0) : 0;
    const waited = [...this.#above.values()].filter(({ id }) => id >= this.#oldest);
    for (const { id } of waited) this.#above.delete(id);
    return [...results, ...waited];
  }
}
