// @ts-check
/**
 * @import { Follow } from "../banners/follow.js"
 * @import { ToastDueEvent } from "../toasts/toast-events.js"
 */
import { BannerBoard } from "../banners/banner-board.js";
import { BannerList, spoken } from "../banners/banner-list.js";
import { pathBelow } from "../banners/banner-paths.js";
import { dismissedIn } from "../banners/dismissed-cookie.js";
import { backoff } from "../protocol/backoff.js";
import { announce } from "../shared/announcer.js";
import { isInSight } from "../shared/dom.js";

const MOST_TRIES = 6;

/**
 * `<announcement-banners>` around server-rendered banners: shows new ones, changes their words, and removes those that
 * are over or dismissed.
 *
 * Attributes, all written by the template tag:
 *
 * - `src`: the URL that answers with the current banners.
 * - `base`: the prefix of the site's paths.
 * - `live` and `topic`: the connection of a visitor who is not signed in. Without `live` the page asks once a minute.
 * - `cookie`: the cookie that lists what such a visitor dismissed.
 *
 * For people it follows what the bell receives. While a banner is in sight, it claims the toast of its announcement.
 */
export class AnnouncementBannersElement extends HTMLElement {
  /** How this page hears of changes. @type {Follow} */
  follow = () => {};
  #life = new AbortController();
  #board = new BannerBoard([]);
  /** @type {BannerList | null} */
  #list = null;
  /** Events that arrived while the banners are loaded. @type {{kind: string, data: any}[]} */
  #waiting = [];
  #loading = false;
  #again = false;
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    this.#list = new BannerList(this);
    this.#board = new BannerBoard(this.#list.ids);
    const due = (/** @type {Event} */ event) => this.#claim(/** @type {ToastDueEvent} */ (event));
    document.addEventListener("toast-due", due, { signal });
    document.addEventListener("visibilitychange", () => this.#readCookie(), { signal });
    window.addEventListener("popstate", () => this.#render(), { signal });
    this.addEventListener("submit", (event) => this.#submit(event), { signal });
    this.#readCookie();
    this.follow(this, { receive: (event) => this.#receive(event), load: (how) => this.#load(how) }, signal);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#life.abort();
    this.#waiting = [];
    this.#loading = this.#again = false;
  }

  /** @param {{kind: string, data: any}} event */
  #receive(event) {
    if (!event.kind.startsWith("announcement.")) return;
    if (this.#loading) this.#waiting.push(event);
    else this.#apply([event]);
  }

  /** @param {{kind: string, data: any}[]} events */
  #apply(events) {
    for (const event of events) this.#board.apply(event);
    for (const { id, level } of this.#render()) {
      const node = this.#list?.node(id);
      if (node) announce(spoken(node), { urgent: level === "error" });
    }
  }

  /** @returns the banners that are new in the page */
  #render() {
    const list = this.#list;
    if (!list) return [];
    const wanted = this.#board.shownOn(pathBelow(location.pathname, this.#text("base")));
    const { bottom, height } = this.getBoundingClientRect();
    const fresh = list.show(wanted);
    // Keep what is being read at its place. All browsers but Safari do that by themselves.
    const isAbove = bottom <= 0 && !CSS.supports("overflow-anchor", "auto");
    if (isAbove) window.scrollBy(0, this.getBoundingClientRect().height - height);
    return fresh;
  }

  /** @param {{spread?: boolean}} [how] */
  #load({ spread = false } = {}) {
    clearTimeout(this.#timer);
    if (spread) this.#timer = setTimeout(() => this.#fetch(), backoff(this.#tries));
    else this.#fetch();
  }

  /** Fetch the current banners. Events that arrive meanwhile are applied afterwards, as the answer may lack them. */
  async #fetch() {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    const { signal } = this.#life;
    this.#loading = true;
    try {
      const response = await fetch(this.#text("src"), { headers: { Accept: "application/json" }, signal });
      if (!response.ok) throw new Error(`${response.status}`);
      this.#board.replaceAll(await response.json());
      this.#tries = 0;
    } catch {
      this.#tries += 1;
      this.#again = this.#tries < MOST_TRIES;
    }
    if (signal.aborted) return;
    this.#loading = false;
    this.#readCookie();
    this.#apply(this.#waiting.splice(0));
    if (this.#again) this.#load({ spread: true });
    this.#again = false;
  }

  /** Remove what the visitor dismissed in another tab, or before a cache served this page. */
  #readCookie() {
    const cookie = this.#text("cookie");
    if (!cookie) return;
    for (const id of dismissedIn(cookie, document.cookie)) {
      this.#board.remember(id, this.#list?.isLasting(id) === true);
    }
    this.#render();
  }

  /** @param {Event} event */
  async #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const id = /** @type {HTMLElement | null} */ (form.closest("[data-id]"))?.dataset.id;
    if (form.dataset.part !== "dismiss" || !id) return;
    event.preventDefault();
    const body = new URLSearchParams(/** @type {any} */ (new FormData(form)));
    const hadFocus = form.contains(document.activeElement);
    if (hadFocus) this.#list?.moveFocus(id);
    const takeBack = this.#board.dismiss(id);
    const node = this.#list?.node(id);
    this.#render();
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(`${response.status}`);
    } catch {
      takeBack();
      this.#restore(id, node);
    }
  }

  /**
   * Show a banner again that could not be dismissed.
   *
   * @param {string} id
   * @param {HTMLElement} [node] as it was
   */
  #restore(id, node) {
    if (node) this.#list?.putBack(node);
    this.#render();
    this.#list?.reportTrouble(id);
  }

  /** @param {ToastDueEvent} due */
  #claim(due) {
    if (due.item.banner) this.#receive({ kind: "announcement.updated", data: due.item });
    const node = this.#list?.node(due.item.id);
    if (node && isInSight(node)) due.claim(Promise.resolve(true));
  }

  /** @param {string} name */
  #text(name) {
    return this.getAttribute(name) ?? "";
  }
}
