// @ts-check
/**
 * @import { ChatApi } from "./chat-api.js"
 * @import { ChatHistory } from "./chat-history.js"
 * @import { MessageList } from "./message-list.js"
 */
import { backoff, part } from "../../notifications_hub/dist/client.js";

/** The most pages to load for a link to an old message. */
const MOST_PAGES = 20;

/** Loads the history into the log: page by page as the reader scrolls up, and the newest page after a reset. */
export class OlderMessages {
  #api;
  #history;
  #list;
  #log;
  #link;
  /** @type {IntersectionObserver | null} */
  #observer = null;
  #loading = false;
  #tries = 0;

  /**
   * @param {object} options
   * @param {ChatApi} options.api
   * @param {ChatHistory} options.history
   * @param {MessageList} options.list
   * @param {HTMLElement} options.log
   */
  constructor({ api, history, list, log }) {
    this.#api = api;
    this.#history = history;
    this.#list = list;
    this.#log = log;
    this.#link = part(log, "older");
  }

  /** @param {AbortSignal} signal */
  watch(signal) {
    this.#observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && this.load(),
      {
        root: this.#log,
        rootMargin: "200px 0px 0px",
      },
    );
    const click = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.load();
    };
    this.#link.addEventListener("click", click, { signal });
    signal.addEventListener("abort", () => {
      this.#observer?.disconnect();
      this.#observer = null;
    });
    this.#observe();
    this.#render();
  }

  /** Load the page before the shown messages. */
  async load() {
    if (this.#loading || !this.#history.more) return;
    const isTaken = await this.#show(() => this.#history.oldest);
    if (isTaken) this.#observe();
    else setTimeout(() => this.#observe(), backoff(this.#tries++));
  }

  /** Load the newest page. There may be a gap before it, so older messages are removed. */
  async reload() {
    const isTaken = await this.#show(() => 0);
    if (!isTaken) setTimeout(() => this.reload(), backoff(this.#tries++));
    else this.#list.forgetBefore(this.#history.oldest);
  }

  /** Load pages until the message in the URL's fragment is there. */
  async find() {
    const { hash } = location;
    for (let page = 0; page < MOST_PAGES && this.#history.more && !document.getElementById(hash.slice(1)); page++) {
      await this.load();
    }
    if (document.getElementById(hash.slice(1))) location.replace(hash);
  }

  /** Check again whether the reader is at the top. Observers report only changes, and the reader may have stayed. */
  #observe() {
    this.#observer?.unobserve(this.#link);
    this.#observer?.observe(this.#link);
  }

  /**
   * @param {() => number} before
   * @returns {Promise<boolean>} whether the page was loaded
   */
  async #show(before) {
    this.#loading = true;
    // Otherwise a screen reader would read out the whole page.
    this.#log.ariaBusy = "true";
    try {
      const page = await this.#api.history(before());
      this.#list.show(this.#history.loaded(page));
      this.#tries = 0;
      return true;
    } catch {
      return false;
    } finally {
      this.#loading = false;
      this.#log.ariaBusy = null;
      this.#render();
    }
  }

  #render() {
    this.#link.hidden = !this.#history.more;
  }
}
