// @ts-check
/**
 * @import { StreamEvent } from "./event-stream.js"
 * @import { Network } from "../protocol/network.js"
 */
import { CloseCode } from "../protocol/close-code.js";
import { refusalOf } from "../protocol/http-refusal.js";
import { postAck } from "../protocol/live-ack.js";
import { browserNetwork } from "../protocol/network.js";
import { parseFrame } from "../protocol/wire.js";
import { EventStream } from "./event-stream.js";
import { ConnectionClosedEvent, ConnectionFrameEvent } from "./events.js";

/** Three heartbeats of the server. */
const SILENCE = 45_000;

/**
 * One stream of server-sent events, once; a sibling of `WebSocketConnection`.
 *
 * Read by `fetch`, since an `EventSource` hides heartbeats and the status of a refusal, and comes back on its own
 * terms: one that a proxy cut or refused would look like any other.
 */
export class SseConnection extends EventTarget {
  static path = "sse/";

  #live;
  #url;
  #network;
  #ending = new AbortController();
  #stream = new EventStream();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;

  /**
   * @param {URL} live
   * @param {URL} url
   * @param {Network} [network]
   */
  constructor(live, url, network = browserNetwork()) {
    super();
    this.#live = live;
    this.#url = url;
    this.#network = network;
  }

  async open() {
    try {
      await this.#run();
    } catch {
      // The network failed, or we ended it ourselves.
    }
    this.#ended(CloseCode.BROKEN);
  }

  /**
   * Says whether it could be sent. Looks and topics cannot: those are the request's.
   *
   * @param {{ack?: string}} message
   */
  send({ ack }) {
    if (!ack || this.#ending.signal.aborted) return false;
    postAck(this.#live, ack);
    return true;
  }

  close() {
    clearTimeout(this.#silence);
    this.#ending.abort();
  }

  async #run() {
    const { signal } = this.#ending;
    const headers = { Accept: "text/event-stream" };
    const { fetch } = this.#network;
    const response = await fetch(this.#url, { headers, signal, credentials: "include", cache: "no-store" });
    if (!isStream(response)) return this.#refused(response);
    this.dispatchEvent(new Event("connection-open"));
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) this.#hear(piece.value);
  }

  /** @param {Response} response */
  async #refused(response) {
    const { code, reason } = await refusalOf(response);
    this.#ended(code, reason);
  }

  /** @param {string} piece */
  #hear(piece) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#ended(CloseCode.SILENT), SILENCE);
    for (const event of this.#stream.read(piece)) this.#take(event);
  }

  /** @param {StreamEvent} event */
  #take({ event, data }) {
    if (this.#ending.signal.aborted) return;
    if (event === "close") return this.#ended(...closingOf(data));
    const frame = parseFrame(data);
    if (frame) this.dispatchEvent(new ConnectionFrameEvent(frame));
  }

  /**
   * Once: what comes after the first reason is its echo.
   *
   * @param {number} code
   * @param {string} [reason]
   */
  #ended(code, reason = "") {
    if (this.#ending.signal.aborted) return;
    this.close();
    this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }
}

/**
 * @param {Response} response
 * @returns {response is Response & {body: ReadableStream<Uint8Array<ArrayBuffer>>}}
 */
function isStream(response) {
  const type = response.headers.get("Content-Type") ?? "";
  return response.ok && response.body !== null && type.startsWith("text/event-stream");
}

/**
 * @param {string} data
 * @returns {[number, string]}
 */
function closingOf(data) {
  try {
    const { code, reason = "" } = JSON.parse(data);
    return [Number(code), String(reason)];
  } catch {
    return [CloseCode.BROKEN, ""];
  }
}
