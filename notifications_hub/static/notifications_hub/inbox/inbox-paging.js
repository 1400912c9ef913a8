// @ts-check
/**
 * @import { HubEvent } from "../client/hub-events.js"
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
  #applied;
  #signedOut;
  #signal;
  /** Events that arrived during a load. The loaded page may be older. @type {HubEvent[]} */
  #meanwhile = [];

  /**
   * @param {object} options
   * @param {HTMLElement} options.root the `<inbox-page>`
   * @param {InboxCards} options.cards
   * @param {ChangeNotice} options.notice
   * @param {() => void} options.changed called when cards were inserted
   * @param {(event: HubEvent) => void} options.applied called with each event that a loaded page may lack
   * @param {() => void} options.signedOut
   * @param {AbortSignal} options.signal
   */
  constructor({ root, cards, notice, changed, applied, signedOut, signal }) {
    this.#root = root;
    this.#cards = cards;
    this.#notice = notice;
    this.#changed = changed;
    this.#applied = applied;
    this.#signedOut = signedOut;
    this.#signal = signal;
    root.addEventListener("click", (event) => this.#click(event), { signal });
  }

  /** Offer to show what is new. */
  offerNews() {
    part(this.#root, "news").hidden = false;
  }

  /** Show older notifications, if there are any, because every card has left the page. Return whether there are. */
  refill() {
    const link = part(this.#root, "older")?.querySelector("a");
    if (link) this.#load(link, "older");
    return Boolean(link);
  }

  /** @param {HubEvent} event */
  note(event) {
    this.#meanwhile.push(event);
  }

  /** Show the page as the server has it now. The rest is loaded again by "Older". */
  async reload() {
    const here = new URL(location.href);
    here.searchParams.delete("undo");
    const page = await fetchInbox(here.href, this.#signal).catch(() => null);
    if (!page || this.#signal.aborted) return;
    this.#cards.replace(page.cards);
    this.#setOlder(page.older);
    this.#changed();
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
    this.#meanwhile = [];
    try {
      const page = await fetchInbox(link.href, this.#signal);
      if (name === "older") this.#showOlder(page);
      else this.#showNews(page, link);
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
    this.#setOlder(older);
    this.#show(cards, "older", hadFocus);
  }

  /** @param {HTMLElement | null} link */
  #setOlder(link) {
    const there = part(this.#root, "older");
    if (!link) there?.remove();
    else if (there) there.replaceWith(link);
    else part(this.#root, "blank").after(link);
  }

  /**
   * @param {Awaited<ReturnType<typeof fetchInbox>>} page
   * @param {HTMLAnchorElement} link
   */
  #showNews({ cards, older }, link) {
    // More are new than fit on a page: inserting them would leave a gap.
    if (older && !cards.some((card) => this.#cards.has(idOf(card)))) return location.assign(link.href);
    part(this.#root, "news").hidden = true;
    this.#show(cards, "news", true);
  }

  /**
   * @param {HTMLElement[]} cards
   * @param {"older" | "news"} name
   * @param {boolean} focus
   */
  #show(cards, name, focus) {
    const [first] = this.#cards.insert(cards);
    for (const event of this.#meanwhile.filter(({ kind }) => !kind.endsWith(".created"))) this.#applied(event);
    this.#notice.solved(name);
    this.#changed();
    if (focus) first?.focus();
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
