// @ts-check
/** @import { TabMessage } from "./tab-message.js" */

/** @typedef {Pick<BroadcastChannel, "postMessage" | "close" | "addEventListener">} Channel */

/** A channel for messages between one person's tabs in this browser. A tab does not receive its own messages. */
export class TabBus extends EventTarget {
  #channel;
  #closed = false;

  /** @param {Channel} channel */
  constructor(channel) {
    super();
    this.#channel = channel;
    channel.addEventListener("message", (event) => this.#receive(/** @type {MessageEvent} */ (event)));
  }

  /** @param {TabMessage} message */
  post(message) {
    if (!this.#closed) this.#channel.postMessage(message);
  }

  close() {
    this.#closed = true;
    this.#channel.close();
  }

  /** @param {MessageEvent} event */
  #receive({ data }) {
    if (!this.#closed) this.dispatchEvent(new MessageEvent("tab-message", { data }));
  }
}
