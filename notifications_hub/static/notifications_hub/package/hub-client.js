// @ts-check
/**
 * @import { Line } from "../client/hub-client.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { Bell, Item } from "../protocol/wire.js"
 */
import { HubClient as LineClient } from "../client/hub-client.js";
import { PageWatch } from "../client/page-watch.js";
import { NotificationsApi } from "../inbox/notifications-api.js";
import { liveLine } from "../tabs/open-line.js";
import { LateLine } from "./late-line.js";

/**
 * The hub's events for this page, from the address of the API alone: each exactly once and in order, by WebSocket, by
 * server-sent events or by polls, over one connection for all tabs of the person.
 *
 * Nothing of the browser is used before `start()`, so a server may construct it too.
 */
export class HubClient extends LineClient {
  /** The topics beside the inbox. @type {string[]} */
  #others;
  #page;
  #toasts;

  /**
   * @param {object} options
   * @param {string | URL} options.api the address of the API, such as "/api/v1/"
   * @param {string | URL} [options.live] the prefix of the live addresses, if the API is reached by another way
   * @param {Iterable<string>} [options.topics] further topics, beside the inbox
   */
  constructor({ api, live, topics = [] }) {
    const page = new PageAccess(api);
    /** @type {ToastsHere} */
    const toasts = { unshown: () => [], shows: () => false };
    const others = [...topics];
    const newLine = (/** @type {() => Query} */ query) => new LateLine(() => page.line(query, toasts, live));
    super({ topics: ["inbox", ...others], line: newLine });
    this.#page = page;
    this.#toasts = toasts;
    this.#others = others;
  }

  /** The API's routes, one method each. */
  get api() {
    return this.#page.api;
  }

  /** The topics beside the inbox. */
  get others() {
    return this.#others;
  }

  /** Whether somebody is looking at the page. */
  get page() {
    return this.#page.watch;
  }

  /** What the server says about this person and this site. Asked once. @returns {Promise<Bell>} */
  bell() {
    return this.#page.bell();
  }

  /**
   * Name the items that the page has yet to show, for the other tabs.
   *
   * @param {ToastsHere} here
   */
  showToasts({ unshown, shows }) {
    Object.assign(this.#toasts, { unshown, shows });
  }

  /**
   * Connect, and continue from a cursor; by default from now.
   *
   * @override
   */
  start(cursor = "") {
    super.start(cursor);
  }

  /**
   * Stop for good. Make another client after a person has signed in again.
   *
   * @override
   */
  stop() {
    super.stop();
    this.#page.end();
  }
}

/** @typedef {{unshown: () => Item[], shows: () => boolean}} ToastsHere */

/** What a client reaches over the page: made at its first use, because a server has no page. */
class PageAccess {
  #address;
  #life = new AbortController();
  /** @type {NotificationsApi | null} */
  #api = null;
  /** @type {PageWatch | null} */
  #watch = null;
  /** @type {Promise<Bell> | null} */
  #bell = null;

  /** @param {string | URL} address */
  constructor(address) {
    this.#address = address;
  }

  get api() {
    this.#api ??= new NotificationsApi({ base: this.#base, signal: this.#life.signal });
    return this.#api;
  }

  get watch() {
    this.#watch ??= new PageWatch(this.#life.signal);
    return this.#watch;
  }

  bell() {
    this.#bell ??= this.#ask();
    return this.#bell;
  }

  /**
   * @param {() => Query} query
   * @param {ToastsHere} toasts
   * @param {string | URL} [live]
   * @returns {Promise<Line>}
   */
  async line(query, toasts, live) {
    const { live: own, person } = await this.bell();
    const prefix = live ? new URL(live, document.baseURI) : new URL(own, this.#base);
    const { unshown, shows } = toasts;
    return liveLine({ live: prefix, person, page: this.watch, unshown, toasts: shows(), query });
  }

  end() {
    this.#life.abort();
  }

  async #ask() {
    try {
      const bell = await this.api.bell();
      this.api.csrf = bell.csrf;
      return bell;
    } catch (error) {
      this.#bell = null;
      throw error;
    }
  }

  get #base() {
    return new URL(this.#address, document.baseURI);
  }
}
