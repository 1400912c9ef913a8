// @ts-check
/**
 * @import { HubEvent } from "../client/hub-events.js"
 * @import { ChangeNotice } from "./change-notice.js"
 * @import { InboxCards } from "./inbox-cards.js"
 */
import { ApiError } from "../shared/api-error.js";
import { part, setText } from "../shared/dom.js";
import { EndlessList } from "./endless-list.js";
import { idOf } from "./inbox-cards.js";
import { fetchInbox } from "./inbox-html.js";

const REGROUP_AFTER = 400;

/** @typedef {Awaited<ReturnType<typeof fetchInbox>> & {missed: HubEvent[]}} Fetched */

/** @typedef {"older" | "newer" | "news"} LinkName */

/** The links "Older", "Newer" and "Show new notifications" of the inbox page. They insert cards. */
export class InboxPaging {
  #root;
  #cards;
  #notice;
  #changed;
  #applied;
  #leave;
  #signedOut;
  #signal;
  #endless;
  /** The list as it was opened. The address follows the scroll position. */
  #address = location.href;
  /** For each load under way, the events that arrived meanwhile. @type {Set<HubEvent[]>} */
  #loads = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #regroupTimer;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root the `<inbox-page>`
   * @param {InboxCards} options.cards
   * @param {ChangeNotice} options.notice
   * @param {() => void} options.changed called when cards were inserted
   * @param {(event: HubEvent) => void} options.applied called with each event that a loaded page may lack
   * @param {(ids: string[]) => void} options.leave removes cards that left the list
   * @param {() => void} options.signedOut
   * @param {AbortSignal} options.signal
   */
  constructor({ root, cards, notice, changed, applied, leave, signedOut, signal }) {
    this.#root = root;
    this.#cards = cards;
    this.#notice = notice;
    this.#changed = changed;
    this.#applied = applied;
    this.#leave = leave;
    this.#signedOut = signedOut;
    this.#signal = signal;
    this.#endless = new EndlessList((link) => this.#load(link, "older", true), signal);
    root.addEventListener("click", (event) => this.#click(event), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#regroupTimer), { once: true });
    this.#endless.watch(this.#older);
  }

  /** Offer to show what is new. */
  offerNews() {
    part(this.#root, "news").hidden = false;
  }

  /** Show older notifications, if there are any, because every card has left the page. Return whether there are. */
  refill() {
    const link = this.#older;
    if (link && this.#endless.goesOn) this.#load(link, "older", true);
    return Boolean(link);
  }

  /** Bring the groups up to date, soon: several of their rows may change at the same time. */
  regroup() {
    this.#regroupTimer ??= setTimeout(() => this.#regroup(), REGROUP_AFTER);
  }

  async #regroup() {
    this.#regroupTimer = undefined;
    try {
      const page = await this.#fetch(this.#address);
      this.#cards.regroup(page.cards);
      this.#catchUp(page);
      this.#changed();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#signedOut();
      else if (!this.#signal.aborted) this.offerNews();
    }
  }

  get #older() {
    return part(this.#root, "older")?.querySelector("a");
  }

  /** @param {HubEvent} event */
  note(event) {
    for (const missed of this.#loads) missed.push(event);
  }

  /** Bring the rows up to date, after a gap in the events or a change of words. */
  async refetch() {
    try {
      const page = await this.#fetch(this.#address);
      this.#update(page);
      if (!page.cards.every((card) => this.#cards.has(idOf(card)))) this.offerNews();
      this.#catchUp(page);
    } catch (error) {
      if (this.#signal.aborted) return;
      if (error instanceof ApiError && error.status === 401) this.#signedOut();
      else this.offerNews();
    }
  }

  /** Show the rows that the server has now, and no others. The rest is loaded again by "Older". */
  async reload() {
    const page = await this.#fetch(this.#address).catch(() => null);
    if (!page || this.#signal.aborted) return;
    this.#leave(this.#cards.update(page.cards, { isLast: true }).map(idOf));
    this.#setOlder(page.older);
    this.#show(page, false);
  }

  /** @param {string} href */
  async #fetch(href) {
    const missed = /** @type {HubEvent[]} */ ([]);
    this.#loads.add(missed);
    try {
      return { ...(await fetchInbox(href, this.#signal)), missed };
    } finally {
      this.#loads.delete(missed);
    }
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    for (const name of /** @type {const} */ (["older", "newer", "news"])) {
      if (!part(this.#root, name)?.contains(link)) continue;
      // A page of older ones has no place for new ones.
      if (name === "news" && this.#root.hasAttribute("data-later")) continue;
      event.preventDefault();
      this.#endless.askedFor();
      this.#load(link, name);
    }
  }

  /**
   * @param {HTMLAnchorElement} link
   * @param {LinkName} name
   * @param {boolean} [isAutomatic] whether nobody asked for it
   */
  async #load(link, name, isAutomatic = false) {
    if (link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    try {
      const page = await this.#fetch(link.href);
      if (name === "older") this.#showOlder(page, isAutomatic);
      else if (name === "newer") this.#showNewer(page);
      else this.#showNews(page, link);
      this.#notice.solved(name);
    } catch (error) {
      this.#fail(error, link, name);
    } finally {
      link.ariaBusy = null;
    }
  }

  /**
   * @param {Fetched} page
   * @param {boolean} isAutomatic
   */
  #showOlder(page, isAutomatic) {
    const hadFocus = part(this.#root, "older")?.contains(document.activeElement);
    const isFocusLost = !isAutomatic && !this.#root.contains(document.activeElement);
    this.#endless.note(page.cards.length);
    this.#setOlder(page.older);
    setText(part(this.#root, "reached"), page.reached);
    this.#show(page, hadFocus || isFocusLost);
  }

  /** Insert what is newer, and keep what the person sees where it is. @param {Fetched} page */
  #showNewer(page) {
    const [first] = this.#cards.all;
    const before = first?.getBoundingClientRect().top ?? 0;
    const there = part(this.#root, "newer");
    if (page.newer) there.replaceWith(page.newer);
    else there.remove();
    this.#root.toggleAttribute("data-later", Boolean(page.newer));
    const inserted = this.#cards.insert(page.cards);
    this.#catchUp(page);
    this.#changed();
    (inserted.at(-1) ?? first)?.focus({ preventScroll: true });
    if (first) window.scrollBy({ top: first.getBoundingClientRect().top - before, behavior: "instant" });
  }

  /** @param {HTMLElement | null} link */
  #setOlder(link) {
    const there = part(this.#root, "older");
    if (!link) there?.remove();
    else if (there) there.replaceWith(link);
    else part(this.#root, "reached").after(link);
    this.#endless.watch(this.#older);
  }

  /**
   * @param {Fetched} page
   * @param {HTMLAnchorElement} link
   */
  #showNews(page, link) {
    const { cards, older } = page;
    // More are new than fit on a page: inserting them would leave a gap.
    if (older && !cards.some((card) => this.#cards.has(idOf(card)))) return location.assign(link.href);
    this.#update(page);
    part(this.#root, "news").hidden = true;
    this.#show(page, true);
  }

  /** @param {Fetched} page */
  #update({ cards, older }) {
    const missing = this.#cards.update(cards, { isLast: !older });
    // A row that was read stays in the list of unread ones until the page is opened again.
    if (this.#root.dataset.show === "unread") this.#cards.mark(missing, false);
    else this.#leave(missing.map(idOf));
  }

  /**
   * @param {Fetched} page
   * @param {boolean} focus
   */
  #show(page, focus) {
    const [first] = this.#cards.insert(page.cards);
    this.#catchUp(page);
    this.#changed();
    if (focus) (first ?? this.#cards.all[0])?.focus();
  }

  /**
   * Apply the events that arrived during the load. The loaded page may be older than these.
   *
   * @param {Fetched} page
   */
  #catchUp({ missed }) {
    for (const event of missed) this.#applied(event);
  }

  /**
   * @param {unknown} error
   * @param {HTMLAnchorElement} link
   * @param {LinkName} name
   */
  #fail(error, link, name) {
    if (this.#signal.aborted) return;
    if (error instanceof ApiError && error.status === 401) return this.#signedOut();
    const words = this.#root.getAttribute(`data-${name === "news" ? name : "older"}-failed`) ?? "";
    this.#notice.failed(words, () => this.#load(link, name), name);
  }
}
