// @ts-check
/**
 * @import { ChangeNotice } from "./change-notice.js"
 * @import { InboxCards } from "./inbox-cards.js"
 */
import { ApiError } from "../shared/api-error.js";
import { part } from "../shared/dom.js";
import { idOf } from "./inbox-cards.js";
import { fetchInbox } from "./inbox-html.js";

/** The links "Older" and "Show new notifications" of the inbox page. They insert cards, and the address stays. */
export class InboxPaging {
  #root;
  #cards;
  #notice;
  #changed;
  #leave;
  #signedOut;
  #signal;
  /** The rows that events changed during a load. The loaded page may be older. @type {Set<string>} */
  #meanwhile = new Set();

  /**
   * @param {object} options
   * @param {HTMLElement} options.root the `<inbox-page>`
   * @param {InboxCards} options.cards
   * @param {ChangeNotice} options.notice
   * @param {() => void} options.changed called when cards were inserted
   * @param {(ids: string[]) => void} options.leave removes cards that left the list
   * @param {() => void} options.signedOut
   * @param {AbortSignal} options.signal
   */
  constructor({ root, cards, notice, changed, leave, signedOut, signal }) {
    this.#root = root;
    this.#cards = cards;
    this.#notice = notice;
    this.#changed = changed;
    this.#leave = leave;
    this.#signedOut = signedOut;
    this.#signal = signal;
    root.addEventListener("click", (event) => this.#click(event), { signal });
  }

  /** Offer to show what is new. */
  offerNews() {
    part(this.#root, "news").hidden = false;
  }

  /** @param {string[]} ids that an event changed */
  note(ids) {
    for (const id of ids) this.#meanwhile.add(id);
  }

  /** Bring the rows up to date, after a gap in the events or a change of words. */
  async refetch() {
    try {
      this.#meanwhile.clear();
      const page = await fetchInbox(location.href, this.#signal);
      this.#update(page);
      if (!page.cards.every((card) => this.#cards.has(idOf(card)))) this.offerNews();
    } catch (error) {
      if (this.#signal.aborted) return;
      if (error instanceof ApiError && error.status === 401) this.#signedOut();
      else this.offerNews();
    }
  }

  /** Show older notifications, if there are any, because every card has left the page. Return whether there are. */
  refill() {
    const link = part(this.#root, "older")?.querySelector("a");
    if (link) this.#load(link, "older");
    return Boolean(link);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    for (const name of /** @type {const} */ (["older", "news"])) {
      if (!part(this.#root, name)?.contains(link)) continue;
      // A page of older ones has no place for new ones.
      if (name === "news" && new URLSearchParams(location.search).has("before")) continue;
      event.preventDefault();
      this.#load(link, name);
    }
  }

  /**
   * @param {HTMLAnchorElement} link
   * @param {"older" | "news"} name
   */
  async #load(link, name) {
    if (link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    this.#meanwhile.clear();
    try {
      const page = await fetchInbox(link.href, this.#signal);
      if (name === "older") this.#showOlder(page);
      else this.#showNews(page, link);
      this.#notice.recovered(name);
    } catch (error) {
      this.#fail(error, link, name);
    } finally {
      link.ariaBusy = null;
    }
  }

  /** @param {Awaited<ReturnType<typeof fetchInbox>>} page */
  #showOlder({ cards, older }) {
    const link = part(this.#root, "older");
    const hadFocus = link.contains(document.activeElement) || !this.#root.contains(document.activeElement);
    if (older) link.replaceWith(older);
    else link.remove();
    this.#show(cards, hadFocus);
  }

  /**
   * @param {Awaited<ReturnType<typeof fetchInbox>>} page
   * @param {HTMLAnchorElement} link
   */
  #showNews(page, link) {
    const { cards, older } = page;
    // More are new than fit on a page: inserting them would leave a gap.
    if (older && !cards.some((card) => this.#cards.has(idOf(card)))) return location.assign(link.href);
    this.#update(page);
    this.#show(cards, true);
    part(this.#root, "news").hidden = true;
  }

  /** @param {Awaited<ReturnType<typeof fetchInbox>>} page */
  #update({ cards, older }) {
    const missing = this.#cards.update(cards, { isLast: !older, except: this.#meanwhile });
    // A row that was read stays in the list of unread ones until the page is opened again.
    if (this.#root.dataset.show === "unread") this.#cards.mark(missing, false);
    else this.#leave(missing.map(idOf));
  }

  /**
   * @param {HTMLElement[]} cards
   * @param {boolean} focus
   */
  #show(cards, focus) {
    const [first] = this.#cards.insert(cards);
    this.#changed();
    if (focus) (first ?? this.#cards.all[0])?.focus();
  }

  /**
   * @param {unknown} error
   * @param {HTMLAnchorElement} link
   * @param {"older" | "news"} name
   */
  #fail(error, link, name) {
    if (this.#signal.aborted) return;
    if (error instanceof ApiError && error.status === 401) return this.#signedOut();
    this.#notice.failed(this.#root.getAttribute(`data-${name}-failed`) ?? "", () => this.#load(link, name), name);
  }
}
