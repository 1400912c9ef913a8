// @ts-check
/**
 * @import { Network } from "../../notifications_hub/dist/client.js"
 * @import { LabFigures } from "./lab-figures.js"
 */

/**
 * Estimated bytes of the headers of a request (besides its URL) and of a response, which a page cannot see. A test
 * compares them with the bytes that Chromium counted.
 */
const SENT_HEADERS = 560;
const RECEIVED_HEADERS = 220;
/** A client's frames are masked, which takes four more bytes. */
const MASK = 4;

/** @returns {never} */
function fail() {
  throw new TypeError("The network is cut.");
}

/**
 * The browser's network, which counts bytes and can be cut.
 *
 * @implements {Network}
 */
export class LabNetwork {
  #figures;
  #cutting = new AbortController();
  /** @type {Set<WebSocket>} */
  #sockets = new Set();

  /** @param {LabFigures} figures */
  constructor(figures) {
    this.#figures = figures;
    this.fetch = this.fetch.bind(this);
    this.WebSocket = this.#meteredSocket();
  }

  get isCut() {
    return this.#cutting.signal.aborted;
  }

  /** Drop open connections. No new ones open until `mend()`. */
  cut() {
    this.#cutting.abort();
    for (const socket of this.#sockets) socket.close();
  }

  mend() {
    this.#cutting = new AbortController();
  }

  /**
   * @param {string | URL | Request} url
   * @param {RequestInit} [init]
   */
  async fetch(url, init = {}) {
    if (this.isCut) fail();
    this.#countRequest(url);
    const signals = [this.#cutting.signal, init.signal].filter((signal) => signal instanceof AbortSignal);
    const response = await globalThis.fetch(url, { ...init, signal: AbortSignal.any(signals) });
    this.#figures.bytes += RECEIVED_HEADERS;
    return this.#metered(response);
  }

  /** @param {string | URL | Request} url */
  #countRequest(url) {
    this.#figures.requests += 1;
    this.#figures.bytes += SENT_HEADERS + new URL(String(url)).pathname.length + new URL(String(url)).search.length;
  }

  /** @param {Response} response */
  #metered({ body, status, statusText, headers }) {
    const meter = new TransformStream({
      transform: (/** @type {Uint8Array} */ piece, controller) => {
        this.#figures.bytes += piece.byteLength;
        controller.enqueue(piece);
      },
    });
    return new Response(body?.pipeThrough(meter), { status, statusText, headers });
  }

  #meteredSocket() {
    const network = this;
    return class extends WebSocket {
      /** @param {string | URL} url */
      constructor(url) {
        if (network.isCut) fail();
        super(url);
        network.#countRequest(url);
        network.#figures.bytes += RECEIVED_HEADERS;
        network.#sockets.add(this);
        this.addEventListener("message", ({ data }) => network.#countText(data, 0));
        this.addEventListener("close", () => network.#sockets.delete(this));
      }

      /**
       * @override
       * @param {string} text
       */
      send(text) {
        network.#countText(text, MASK);
        super.send(text);
      }
    };
  }

  /**
   * @param {string} text
   * @param {number} extra
   */
  #countText(text, extra) {
    const { length } = new TextEncoder().encode(text);
    this.#figures.bytes += length + frameHeader(length) + extra;
  }
}

/**
 * Return the size of a WebSocket frame's header (RFC 6455, section 5.2).
 *
 * @param {number} length
 */
function frameHeader(length) {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}
