// @ts-check
/**
 * @import { ChatApi } from "./chat-api.js"
 * @import { ChatHistory } from "./chat-history.js"
 * @import { MessageList } from "./message-list.js"
 */
import { backoff, part } from "../../notifications_hub/client.js";

/** As far as a link to an old message is followed. */
const FAR = 20;

/** Loads the history into the log: page by page as its reader goes up, and the newest anew after a reset. */
export class OlderMessages {
  #api;
  #history;
  #list;
  #log;
  #link;
  /** @type {IntersectionObserver | null} */
  #seen = null;
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
    this.#seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.load(), {
      root: this.#log,
      rootMargin: "200px 0px 0px",
    });
    const click = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.load();
    };
    this.#link.addEventListener("click", click, { signal });
    signal.addEventListener("abort", () => {
      this.#seen?.disconnect();
      this.#seen = null;
    });
    this.#look();
    this.#render();
  }

  /** The page before what is shown. */
  async load() {
    if (this.#loading || !this.#history.more) return;
    const isTaken = await this.#take(() => this.#history.oldest);
    if (isTaken) this.#look();
    else setTimeout(() => this.#look(), backoff(this.#tries++));
  }

  /** The newest page: between it and what is shown there may be a hole, so what is older goes. */
  async reload() {
    const isTaken = await this.#take(() => 0);
    if (!isTaken) setTimeout(() => this.reload(), backoff(this.#tries++));
    else this.#list.forgetBefore(this.#history.oldest);
  }

  /** Goes up until the message of the address is there. */
  async find() {
    const { hash } = location;
    for (let page = 0; page < FAR && this.#history.more && !document.getElementById(hash.slice(1)); page++) {
      await this.load();
    }
    if (document.getElementById(hash.slice(1))) location.replace(hash);
  }

  /** Whether its reader is at the top: an observer speaks of changes only, and who is there again may never have left. */
  #look() {
    this.#seen?.unobserve(this.#link);
    this.#seen?.observe(this.#link);
  }

  /**
   * @param {() => number} before
   * @returns {Promise<boolean>} whether it came
   */
  async #take(before) {
    this.#loading = true;
    // A screen reader would read out all of it.
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
