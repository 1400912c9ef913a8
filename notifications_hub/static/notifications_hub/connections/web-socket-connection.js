// @ts-check
/** @import { Network } from "../protocol/network.js" */
import { CloseCode } from "../protocol/close-code.js";
import { socketUrl } from "../protocol/live-url.js";
import { browserNetwork } from "../protocol/network.js";
import { parseFrame } from "../protocol/wire.js";
import { ConnectionClosedEvent, ConnectionFrameEvent } from "./events.js";

/** Two heartbeats of the server and some margin, in milliseconds. */
const SILENCE = 60_000;

/**
 * One WebSocket, opened once. Like every kind of connection it has `open()`, `send()` and `close()`, and dispatches
 * `connection-open`, `connection-frame` and `connection-closed`. It does not handle cursors, retries or topics.
 */
export class WebSocketConnection extends EventTarget {
  static path = "ws/";

  #url;
  #network;
  #listening = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;
  /** @type {WebSocket | null} */
  #socket = null;

  /**
   * @param {URL} url over http or https
   * @param {Network} [network]
   */
  constructor(url, network = browserNetwork()) {
    super();
    this.#url = socketUrl(url);
    this.#network = network;
  }

  open() {
    const { signal } = this.#listening;
    const socket = this.#dial();
    socket?.addEventListener("open", () => this.dispatchEvent(new Event("connection-open")), { signal });
    socket?.addEventListener("message", ({ data }) => this.#receive(data), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#silence));
    socket?.addEventListener("close", ({ code, reason }) => this.#end(code, reason), { signal });
    this.#socket = socket;
  }

  /**
   * Return whether the message could be sent.
   *
   * @param {object} message
   */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  close() {
    this.#listening.abort();
    this.#socket?.close();
  }

  /** Return the socket, or null if the browser throws. Some do so if the page's policy forbids sockets. */
  #dial() {
    try {
      return new this.#network.WebSocket(this.#url);
    } catch {
      queueMicrotask(() => this.#end(CloseCode.BROKEN, ""));
      return null;
    }
  }

  /** @param {unknown} data */
  #receive(data) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#timeOut(), SILENCE);
    const frame = parseFrame(data);
    if (frame) this.dispatchEvent(new ConnectionFrameEvent(frame));
  }

  /** Give up a silent connection. A proxy may drop a connection without informing either side. */
  #timeOut() {
    this.#end(CloseCode.SILENT, "");
    this.close();
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    if (!this.#listening.signal.aborted) this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }
}
