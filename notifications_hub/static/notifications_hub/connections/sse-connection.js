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

/** Three heartbeats of the server, in milliseconds. */
const SILENCE = 45_000;

/**
 * One stream of server-sent events, opened once; a sibling of `WebSocketConnection`.
 *
 * It reads with `fetch`, because an `EventSource` hides heartbeats and the status of a refusal. An `EventSource` also
 * reconnects by itself, so a stream that a proxy cut or refused would look like any other.
 */
export class SseConnection extends EventTarget {
  static path = "sse/";

  #live;
  #url;
  #network;
  #life = new AbortController();
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
      // The network failed, or this side closed the stream.
    }
    this.#end(CloseCode.BROKEN);
  }

  /**
   * Return whether the message could be sent. Visibility and topics cannot be sent: they are part of the request.
   *
   * @param {{ack?: string}} message
   */
  send({ ack }) {
    if (!ack || this.#life.signal.aborted) return false;
    postAck(this.#live, ack);
    return true;
  }

  close() {
    clearTimeout(this.#silence);
    this.#life.abort();
  }

  async #run() {
    const { signal } = this.#life;
    const headers = { Accept: "text/event-stream" };
    const { fetch } = this.#network;
    const response = await fetch(this.#url, { headers, signal, credentials: "include", cache: "no-store" });
    if (!isStream(response)) return this.#refused(response);
    this.dispatchEvent(new Event("connection-open"));
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) this.#read(piece.value);
  }

  /** @param {Response} response */
  async #refused(response) {
    const { code, reason } = await refusalOf(response);
    this.#end(code, reason);
  }

  /** @param {string} piece */
  #read(piece) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#end(CloseCode.SILENT), SILENCE);
    for (const event of this.#stream.read(piece)) this.#handle(event);
  }

  /** @param {StreamEvent} event */
  #handle({ event, data }) {
    if (this.#life.signal.aborted) return;
    if (event === "close") return this.#end(...closingOf(data));
    const frame = parseFrame(data);
    if (frame) this.dispatchEvent(new ConnectionFrameEvent(frame));
  }

  /**
   * Dispatch the end once. A second reason only follows from the first.
   *
   * @param {number} code
   * @param {string} [reason]
   */
  #end(code, reason = "") {
    if (this.#life.signal.aborted) return;
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
