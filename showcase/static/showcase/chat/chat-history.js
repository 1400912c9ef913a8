// @ts-check
/** @import { HistoryPage, Message } from "./chat-message.js" */

/**
 * Tracks how far back the page shows the room, so that history and stream join without a gap. Ids are assigned before the
 * commit, so a message may arrive late that belongs further up. A message that belongs above the shown ones waits until
 * the page of the history with its position is loaded. That page may have been read before the message existed.
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
   * Return the messages to show after this one arrived.
   *
   * @param {Message} message
   * @returns {Message[]}
   */
  arrived(message) {
    if (message.id >= this.#oldest) return [message];
    this.#above.set(message.id, message);
    return [];
  }

  /**
   * Return the messages to show after an older page was loaded, or the newest one after a reset.
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
