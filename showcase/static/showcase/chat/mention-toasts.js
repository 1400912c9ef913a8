// @ts-check
/**
 * @import { Item } from "../../notifications_hub/dist/client.js"
 * @import { MessageList } from "./message-list.js"
 */

const MESSAGE = /^#message-(\d+)$/;

/**
 * Claims the toasts of mentions that the reader is looking at. The notification and its message arrive over different
 * connections, so a claim may wait for the message.
 */
export class MentionToasts {
  #list;
  #room;
  /** @type {Map<number, (isShown: boolean) => void>} */
  #awaited = new Map();

  /**
   * @param {object} options
   * @param {MessageList} options.list
   * @param {URL} options.room
   */
  constructor({ list, room }) {
    this.#list = list;
    this.#room = room;
  }

  /** @param {Event & {item: Item, claim: (shown: Promise<boolean>) => void}} due a `toast-due` */
  offered(due) {
    const id = this.#messageOf(due.item);
    if (id === 0) return;
    if (this.#list.isInSight(id)) due.claim(Promise.resolve(true));
    // A reader further up does not follow new messages, so the toast appears at once.
    else if (id > this.#list.newest && this.#list.atEnd) due.claim(this.#arrival(id));
  }

  /**
   * @param {number} id
   * @returns {Promise<boolean>}
   */
  #arrival(id) {
    return new Promise((resolve) => this.#awaited.set(id, resolve));
  }

  /** Settle the claims of messages that have arrived. */
  check() {
    for (const [id, resolve] of this.#awaited) {
      if (id > this.#list.newest) continue;
      this.#awaited.delete(id);
      resolve(this.#list.isInSight(id));
    }
  }

  /**
   * Return the id of the message in this room, or 0.
   *
   * @param {Item} item
   */
  #messageOf({ url }) {
    const { origin, pathname, hash } = new URL(url, this.#room);
    if (origin !== this.#room.origin || pathname !== this.#room.pathname) return 0;
    return Number(MESSAGE.exec(hash)?.[1] ?? 0);
  }
}
