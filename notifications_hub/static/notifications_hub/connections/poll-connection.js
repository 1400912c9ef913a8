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

/** How much longer than it was asked to wait a server may take. */
const PATIENCE = 10_000;

/** Asks again and again; a sibling of `WebSocketConnection` for where nothing else comes through. */
export class PollConnection extends EventTarget {
  static path = "poll/";

  #live;
  #url;
  #network;
  #pace;
  #visible;
  #ending = new AbortController();
  #asking = new AbortController();
  #wake = () => {};

  /**
   * @param {URL} live
   * @param {URL} url
   * @param {object} [how]
   * @param {Network} [how.network]
   * @param {PollPace} [how.pace]
   * @param {boolean} [how.visible] whether somebody looks at the page
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
    while (!this.#ending.signal.aborted) {
      const asked = Date.now();
      const frame = await this.#ask().catch(() => null);
      const elapsed = Date.now() - asked;
      if (frame) await this.#pause(this.#take(frame, elapsed));
      else if (!this.#pace.failed(elapsed)) this.#ended(CloseCode.BROKEN);
    }
  }

  /**
   * Says whether it could be sent. Other topics cannot: those are the request's.
   *
   * @param {{ack?: string, visible?: boolean}} message
   */
  send({ ack, visible }) {
    if (this.#ending.signal.aborted) return false;
    if (ack) postAck(this.#live, ack);
    if (visible !== undefined) this.#look(visible);
    return ack !== undefined || visible !== undefined;
  }

  close() {
    this.#ending.abort();
    this.#asking.abort();
    this.#wake();
  }

  /** @param {boolean} visible */
  #look(visible) {
    if (visible && !this.#visible) this.#wake();
    this.#visible = visible;
  }

  /** @returns {Promise<Frame | null>} null where it came to nothing */
  async #ask() {
    this.#url.searchParams.set("wait", String(this.#pace.wait));
    this.#url.searchParams.set("visible", this.#visible ? "1" : "0");
    const response = await this.#fetch(this.#pace.wait * 1_000 + PATIENCE);
    if (response.ok) return parseFrame(await response.text());
    const { code, reason } = await refusalOf(response);
    if (reason) this.#ended(code, reason);
    return null;
  }

  /** @param {number} patience */
  async #fetch(patience) {
    const asking = new AbortController();
    const timer = setTimeout(() => asking.abort(), patience);
    this.#asking = asking;
    try {
      return await this.#network.fetch(this.#url, { signal: asking.signal, credentials: "include", cache: "no-store" });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param {Frame} frame
   * @param {number} elapsed
   * @returns {number} how long to pause, in milliseconds
   */
  #take(frame, elapsed) {
    if (this.#ending.signal.aborted) return 0;
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
      if (this.#ending.signal.aborted) this.#wake();
    });
  }

  /**
   * @param {number} code
   * @param {string} [reason]
   */
  #ended(code, reason = "") {
    if (this.#ending.signal.aborted) return;
    this.close();
    this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }
}
