// @ts-check
/**
 * @import { PageWatch } from "../../notifications_hub/dist/client.js"
 * @import { ChatApi } from "./chat-api.js"
 * @import { MessageList } from "./message-list.js"
 */

const AFTER = 800;

/** Reports how far the reader has read: to the end of the log, once a focused page has shown it. */
export class ReadMark {
  #api;
  #list;
  #page;
  #through;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {ChatApi} options.api
   * @param {MessageList} options.list
   * @param {PageWatch} options.page
   * @param {number} options.through id of the last message known to be read
   */
  constructor({ api, list, page, through }) {
    this.#api = api;
    this.#list = list;
    this.#page = page;
    this.#through = through;
  }

  /** Schedule a report if more messages may have been read. */
  check() {
    if (this.#hasRead) this.#timer ??= setTimeout(() => this.#report(), AFTER);
  }

  get #hasRead() {
    // Without the focus, the reader may look at another window, where a toast is showing.
    return this.#page.focused && this.#list.atEnd && this.#list.newest > this.#through;
  }

  #report() {
    this.#timer = undefined;
    if (!this.#hasRead) return;
    this.#through = this.#list.newest;
    this.#api.read(this.#through);
  }
}
