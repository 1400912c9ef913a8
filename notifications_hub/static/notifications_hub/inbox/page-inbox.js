// @ts-check
/**
 * @import { Line } from "../client/hub-client.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { Counts, Page } from "../protocol/wire.js"
 * @import { Report } from "./inbox-changes.js"
 */
import { HubClient } from "../client/hub-client.js";
import { PageWatch } from "../client/page-watch.js";
import { FeedState, InboxFeed } from "./inbox-feed.js";
import { InboxStore } from "./inbox-store.js";
import { PINNED } from "./item-state.js";
import { NotificationsApi } from "./notifications-api.js";
import { OlderState } from "./older-pages.js";

const FROM_CLIENT = ["hub-event", "hub-reset", "hub-refused", "hub-state", "hub-shown", "hub-unshown"];
const RETURNS = ["page-visible", "page-focus", "page-online"];

/**
 * What a bell shows.
 *
 * @typedef {object} View
 * @property {(event: Event) => void} receive handles an event of the feed or the client
 * @property {Report} report
 */

/**
 * The inbox of a page, with the page's connection. It outlives the bell: if a script swaps the body, the next bell
 * shows it. Events that arrive between two bells wait for the next one.
 */
export class PageInbox {
  #life = new AbortController();
  #api;
  /** The bell that shows it now. @type {View | null} */
  #view = null;
  /** @type {Event[]} */
  #missed = [];

  /**
   * @param {object} options
   * @param {string[]} options.topics further topics of the connection
   * @param {URL} options.base the address of the API
   * @param {Counts} options.counts
   * @param {string | null} [options.scope] the part of the inbox that it lists and counts; null: all of it
   * @param {(page: PageWatch, query: () => Query) => Line} options.line
   */
  constructor({ topics, base, counts, scope = null, line }) {
    const { signal } = this.#life;
    this.page = new PageWatch(signal);
    this.store = new InboxStore(counts, scope);
    this.client = new HubClient({ topics: ["inbox", ...topics], line: (query) => line(this.page, query) });
    this.#api = new NotificationsApi({ base, signal });
    const { client, store } = this;
    this.feed = new InboxFeed({ api: this.#api, client, store, report: this.#report, others: topics });
    this.#listen();
  }

  /** Whether the session is over. */
  get isOver() {
    return this.feed.state === FeedState.ENDED;
  }

  /** The newest items as the API returns them, or null before they are loaded. @returns {Page | null} */
  get firstPage() {
    if (this.feed.state !== FeedState.READY) return null;
    const { shown, state } = this.feed.older;
    const unconfirmed = { results: this.store.pinned.slice(0, PINNED), count: this.store.unconfirmed };
    return { results: shown, next: state === OlderState.NONE ? null : state, cursor: "", unconfirmed };
  }

  start() {
    this.feed.start();
  }

  stop() {
    this.feed.stop();
    this.#life.abort();
  }

  /**
   * Let a bell show it.
   *
   * @param {View} view
   * @param {{csrf: string}} page the newest page's token; "" to read Django's cookie
   */
  show(view, { csrf }) {
    this.#view = view;
    this.#api.csrf = csrf;
    for (const event of this.#missed.splice(0)) view.receive(event);
  }

  /** The bell was removed. */
  hide() {
    this.#view = null;
  }

  /** @returns {Report} */
  get #report() {
    return {
      done: (done) => this.#view?.report.done(done),
      failed: (failed) => this.#view?.report.failed(failed),
    };
  }

  #listen() {
    const pass = (/** @type {Event} */ event) => {
      if (this.#view) this.#view.receive(event);
      else this.#missed.push(event);
    };
    this.feed.addEventListener("inbox-changed", pass);
    for (const type of FROM_CLIENT) this.client.addEventListener(type, pass);
    for (const type of RETURNS) {
      this.page.addEventListener(type, () => this.feed.state === FeedState.FAILED && this.feed.load());
    }
  }
}
