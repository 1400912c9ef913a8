// @ts-check
/** @import { Network } from "../protocol/network.js" */
import { CloseCode } from "../protocol/close-code.js";
import { socketUrl } from "../protocol/live-url.js";
import { browserNetwork } from "../protocol/network.js";
import { parseFrame } from "../protocol/wire.js";
import { ConnectionClosedEvent, ConnectionFrameEvent } from "./events.js";

/** Two signs of life of the server, and some. */
const SILENCE = 60_000;

/**
 * One WebSocket, once. What every kind of connection has: `open()`, `send()`, `close()`, and the events
 * `connection-open`, `connection-frame` and `connection-closed`. It knows nothing of cursors, trying again or topics.
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
    socket?.addEventListener("message", ({ data }) => this.#hear(data), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#silence));
    socket?.addEventListener("close", ({ code, reason }) => this.#ended(code, reason), { signal });
    this.#socket = socket;
  }

  /**
   * Says whether it could be sent.
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

  /** A page's policy may forbid sockets; some browsers throw then, and that is a connection that never opened. */
  #dial() {
    try {
      return new this.#network.WebSocket(this.#url);
    } catch {
      queueMicrotask(() => this.#ended(CloseCode.BROKEN, ""));
      return null;
    }
  }

  /** @param {unknown} data */
  #hear(data) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#gone(), SILENCE);
    const frame = parseFrame(data);
    if (frame) this.dispatchEvent(new ConnectionFrameEvent(frame));
  }

  /** Whatever stood between has forgotten the line, which tells neither side. */
  #gone() {
    this.#ended(CloseCode.SILENT, "");
    this.close();
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #ended(code, reason) {
    if (!this.#listening.signal.aborted) this.dispatchEvent(new ConnectionClosedEvent(code, reason));
  }
}
