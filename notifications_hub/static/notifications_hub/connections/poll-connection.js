// @ts-check
/**
 * @import { Network } from "../protocol/network.js"
 * @import { Frame } from "../protocol/wire.js"
 */
import { CloseCode } from "../protocol/close-code.js";
import { refusalOf } from "../protocol/http-refusal.js";
import { postAck } from "../protocol/live-ack.js";
import { browserNetwork } from "../protocol/network.js";
import { parseFrame } from "../protocol/wire.js";
import { ConnectionClosedEvent, ConnectionFrameEvent } from "./events.js";
import { PollPace } from "./poll-pace.js";

/** Milliseconds that a server may take beyond the wait that was asked for. */
const PATIENCE = 10_000;

/** Repeated polls; a sibling of `WebSocketConnection` for networks that block everything else. */
export class PollConnection extends EventTarget {
  static path = "poll/";

  #live;
  #url;
  #network;
  #pace;
  #visible;
  #life = new AbortController();
  #request = new AbortController();
  #wake = () => {};

  /**
   * @param {URL} live
   * @param {URL} url
   * @param {object} [how]
   * @param {Network} [how.network]
   * @param {PollPace} [how.pace]
   * @param {boolean} [how.visible] whether the page is visible
   */
  constructor(live, url, { network = browserNetwork(), pace = new PollPace(), visible = true } = {}) {
    super();
    this.#live = live;
    this.#url = new URL(url);
    this.#network = network;
    this.#pace = pace;
    this.#visible = visible;
  }

  async open() {
    this.dispatchEvent(new Event("connection-open"));
    while (!this.#life.signal.aborted) {
      const startedAt = Date.now();
      const frame = await this.#poll().catch(() => null);
      const elapsed = Date.now() - startedAt;
      if (frame) await this.#pause(this.#apply(frame, elapsed));
      else if (!this.#pace.failed(elapsed)) this.#end(CloseCode.BROKEN);
    }
  }

  /**
   * Return whether the message could be sent. Topics cannot be sent: they are part of the request.
   *
   * @param {{ack?: string, visible?: boolean}} message
   */
  send({ ack, visible }) {
    if (this.#life.signal.aborted) return false;
    if (ack) postAck(this.#live, ack);
    if (visible !== undefined) this.#setVisible(visible);
    return ack !== undefined || visible !== undefined;
  }

  close() {
    this.#life.abort();
    this.#request.abort();
    this.#wake();
  }

  /** @param {boolean} visible */
  #setVisible(visible) {
    if (visible && !this.#visible) this.#wake();
    this.#visible = visible;
  }

  /** @returns {Promise<Frame | null>} null after a failure */
  async #poll() {
    this.#url.searchParams.set("wait", String(this.#pace.wait));
    this.#url.searchParams.set("visible", this.#visible ? "1" : "0");
    const response = await this.#fetch(this.#pace.wait * 1_000 + PATIENCE);
    if (response.ok) return parseFrame(await response.text());
    const { code, reason } = await refusalOf(response);
    if (reason) this.#end(code, reason);
    return null;
  }

  /** @param {number} patience */
  async #fetch(patience) {
    const request = new AbortController();
    const timer = setTimeout(() => request.abort(), patience);
    this.#request = request;
    try {
      return await this.#network.fetch(this.#url, {
        signal: request.signal,
        credentials: "include",
        cache: "no-store",
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param {Frame} frame
   * @param {number} elapsed
   * @returns {number} how long to pause, in milliseconds
   */
  #apply(frame, elapsed) {
    if (this.#life.signal.aborted) return 0;
    if (frame.cursor) this.#url.searchParams.set("cursor", frame.cursor);
    this.dispatchEvent(new ConnectionFrameEvent(frame));
    const news = frame.events.length > 0 || frame.reset.length > 0;
    return this.#pace.answered({ elapsed, news, more: frame.more, visible: this.#visible });
  }

  /**
   * @param {number} ms
   * @returns {Promise<void>}
   */
  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#life.signal.aborted) this.#wake();
    });
  }

  /**
   * @param {number} code
   * @param {string} [reason]
   */
  #end(code, reason = "") {
    if (this.#life.signal.aborted) return;
    this.close();
    this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }
}
