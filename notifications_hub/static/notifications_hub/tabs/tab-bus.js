// @ts-check
/** @import { TabMessage } from "./tab-message.js" */

/** @typedef {Pick<BroadcastChannel, "postMessage" | "close" | "addEventListener">} Channel */

/** What the tabs of one person in this browser say to each other. Every tab hears every other; none hears itself. */
export class TabBus extends EventTarget {
  #channel;
  #closed = false;

  /** @param {Channel} channel */
  constructor(channel) {
    super();
    this.#channel = channel;
    channel.addEventListener("message", (event) => this.#hear(/** @type {MessageEvent} */ (event)));
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
  #hear({ data }) {
    if (!this.#closed) this.dispatchEvent(new MessageEvent("tab-message", { data }));
  }
}
