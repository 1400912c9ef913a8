// @ts-check
/**
 * @import { NotificationsApi } from "./notifications-api.js"
 * @import { InboxStore } from "./inbox-store.js"
 * @import { InboxEvent } from "./store-effect.js"
 * @import { Page } from "../protocol/wire.js"
 */

/** What can follow the shown items; always exactly one of these. */
export const OlderState = Object.freeze({
  NONE: "none",
  MORE: "more",
  LOADING: "loading",
  FAILED: "failed",
});

/** @typedef {typeof OlderState[keyof typeof OlderState]} OlderStateName */

/** The number of items in a page of the API. */
const PAGE = 20;

/**
 * How much of the inbox is shown, and the pages after the first one. Each follows without a gap, even after the store
 * has dropped its oldest items.
 */
export class OlderPages {
  #api;
  #store;
  #shown = PAGE;
  /** @type {OlderStateName} */
  #state = OlderState.MORE;
  /** The ends of the loaded pages, newest first. @type {{last: number, next: string}[]} */
  #ends = [];
  #isWhole = true;
  #turn = 0;
  /** Events that arrived during a load. The loaded page may be older. @type {InboxEvent[]} */
  #meanwhile = [];

  /**
   * @param {object} options
   * @param {NotificationsApi} options.api
   * @param {InboxStore} options.store
   */
  constructor({ api, store }) {
    this.#api = api;
    this.#store = store;
  }

  /** The newest items, as many as are shown. */
  get shown() {
    return this.#store.items.slice(0, this.#shown);
  }

  get state() {
    const hasMore = this.#store.items.length > this.#shown || this.#isMoreThere;
    return hasMore ? this.#state : OlderState.NONE;
  }

  /** @param {Page} page the new first page */
  reset(page) {
    this.#turn += 1;
    this.#state = OlderState.MORE;
    this.#ends = [];
    this.#store.takeDropped();
    this.#add(page);
    this.showNewest();
  }

  /** Show one page again. */
  showNewest() {
    this.#shown = PAGE;
    this.#store.keep(0);
  }

  /** @param {number} count how many items more to show, because new ones came on top */
  showAlso(count) {
    this.#shown += count;
    this.#store.keep(this.#shown);
  }

  /**
   * Show one page more.
   *
   * @param {() => void} changed called before and after a load
   * @throws {ApiError} if the page could not be loaded
   */
  async showNext(changed) {
    if (this.state === OlderState.NONE || this.state === OlderState.LOADING) return;
    this.#state = OlderState.LOADING;
    changed();
    try {
      const isLoaded = this.#store.items.length >= this.#shown + PAGE || (await this.#load());
      if (isLoaded) this.showAlso(PAGE);
      this.#state = OlderState.MORE;
    } catch (error) {
      this.#state = OlderState.FAILED;
      throw error;
    } finally {
      changed();
    }
  }

  /** @param {InboxEvent[]} events */
  note(events) {
    this.#meanwhile.push(...events);
  }

  /**
   * Load the next page that has unknown items into the store. Return false if a new first page came in between.
   */
  async #load() {
    const turn = this.#turn;
    this.#meanwhile = [];
    let added = 0;
    while (added === 0 && this.#isMoreThere) {
      const page = await this.#api.list({ before: this.#ends.at(-1)?.next });
      if (turn !== this.#turn) return false;
      this.#add(page);
      added = this.#store.append(page.results);
    }
    // Applying an event twice changes nothing.
    this.#store.applyAll(this.#meanwhile);
    return true;
  }

  /** @param {Page} page */
  #add({ results, next }) {
    const last = results.at(-1);
    this.#isWhole = next === null;
    if (last && next !== null) this.#ends.push({ last: Date.parse(last.at), next });
  }

  /** Whether the server has items older than those in the store. */
  get #isMoreThere() {
    const dropped = this.#store.takeDropped();
    if (dropped !== null) {
      this.#ends = this.#ends.filter(({ last }) => last > dropped);
      this.#isWhole = false;
    }
    return !this.#isWhole;
  }
}
