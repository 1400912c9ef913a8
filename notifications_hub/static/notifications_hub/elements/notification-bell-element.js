// @ts-check
/**
 * @import { HubEvent, HubShownEvent, HubUnshownEvent } from "../client/hub-events.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 * @import { InboxChangedEvent } from "../inbox/inbox-feed.js"
 * @import { Change } from "../inbox/inbox-store.js"
 * @import { ToastOpenedEvent, ToastsDisplayedEvent } from "../toasts/toast-events.js"
 * @import { Item } from "../protocol/wire.js"
 */

import { HubClient } from "../client/hub-client.js";
import { PageWatch } from "../client/page-watch.js";
import { FeedState, InboxFeed } from "../inbox/inbox-feed.js";
import { InboxStore } from "../inbox/inbox-store.js";
import { isNews } from "../inbox/item-state.js";
import { badgeOf } from "../inbox/item-view.js";
import { NotificationPanel } from "../inbox/notification-panel.js";
import { NotificationsApi } from "../inbox/notifications-api.js";
import { HubState } from "../protocol/hub-state.js";
import { closePushes } from "../push/close-pushes.js";
import { copyOf, part, setText } from "../shared/dom.js";
import { elementLine } from "./element-line.js";
import { ToastStackElement } from "./toast-stack-element.js";

const RELAYED = ["hub-event", "hub-reset", "hub-refused", "hub-state"];
/** A failure of the feed overrides the state of the connection. @type {Record<string, HubStateName | undefined>} */
const FEED_FAILURES = { [FeedState.FAILED]: HubState.WAITING, [FeedState.ENDED]: HubState.SIGNED_OUT };
const RETURNS = ["page-visible", "page-focus", "page-online"];

/**
 * @typedef {object} Parts
 * @property {HTMLButtonElement} button
 * @property {NotificationPanel} panel
 * @property {PageWatch} page
 * @property {InboxStore} store
 * @property {HubClient} client
 * @property {InboxFeed} feed
 */

/**
 * `<notification-bell>`: the count, the newest notifications, and this page's connection to the hub.
 *
 * Attributes, all written by the template tag:
 *
 * - `api`, `live` and `csrf`.
 * - `topics`: further topics, separated by spaces.
 * - `person`: the page's owner.
 * - `scope`: the part of the inbox that it lists and counts, such as a tenant; absent: all of it.
 * - `sign-in`: the address of the sign-in page.
 * - `unread` and `unseen`: the counts, which it keeps up to date.
 *
 * `hub-event`, `hub-reset`, `hub-refused` and `hub-state` bubble from it, and `inbox-changed` after each change of the
 * inbox. Until it is upgraded it shows the link inside it.
 */
export class NotificationBellElement extends HTMLElement {
  #life = new AbortController();
  #renderDue = false;
  /** Set while the element is connected to a document. @type {Parts | null} */
  #parts = null;

  connectedCallback() {
    this.#life = new AbortController();
    this.#parts = this.#assemble();
    this.#listen(this.#parts);
    this.#render();
    this.#parts.feed.start();
  }

  disconnectedCallback() {
    this.#parts?.feed.stop();
    this.#life.abort();
    this.#parts = null;
  }

  /** The number of unread notifications. */
  get unread() {
    return this.#parts?.store.unread ?? Number(this.#text("unread"));
  }

  /** @param {string} id */
  markRead(id) {
    return this.#parts?.feed.markRead(id);
  }

  /** @returns {Parts} */
  #assemble() {
    const { signal } = this.#life;
    const { button, panel } = this.#build();
    const page = new PageWatch(signal);
    const others = this.#text("topics").split(/\s+/).filter(Boolean);
    const counts = { unread: Number(this.#text("unread")), unseen: Number(this.#text("unseen")) };
    const store = new InboxStore(counts, this.getAttribute("scope"));
    const client = new HubClient({
      topics: ["inbox", ...others],
      line: (query) => elementLine(this, { page, query, toasts: true }),
    });
    const base = new URL(this.#text("api"), document.baseURI);
    const api = new NotificationsApi({ base, csrf: this.#text("csrf"), signal });
    const feed = new InboxFeed({ api, client, store, report: panel.report, others });
    return { button, panel, page, store, client, feed };
  }

  /** Replace the plain link by the button and the panel. */
  #build() {
    for (const child of [...this.children]) {
      if (child.localName !== "template") child.remove();
    }
    const root = copyOf(this, "bell");
    const button = /** @type {HTMLButtonElement} */ (part(root, "button"));
    const newRow = () => copyOf(this, "row");
    const signIn = this.#text("sign-in");
    const { signal } = this.#life;
    const options = { panel: part(root, "panel"), button, newRow, actions: this.#actions, signIn, signal };
    this.append(root);
    return { button, panel: new NotificationPanel(options) };
  }

  get #actions() {
    return {
      opened: () => this.#opened(),
      closed: () => this.#parts?.feed.older.showNewest(),
      retry: () => this.#parts?.feed.load(),
      readAll: () => this.#parts?.feed.markAllRead(),
      older: () => this.#parts?.feed.showOlder(),
      read: (/** @type {string} */ id) => this.#parts?.feed.markRead(id),
      archive: (/** @type {string} */ id) => this.#parts?.feed.archive(id),
    };
  }

  /** @param {Parts} parts */
  #listen({ button, page, client, feed }) {
    const { signal } = this.#life;
    feed.addEventListener("inbox-changed", (event) => this.#changed(/** @type {InboxChangedEvent} */ (event)));
    for (const type of RELAYED) {
      client.addEventListener(type, (event) => this.dispatchEvent(/** @type {HubEvent} */ (event).copy()));
    }
    for (const type of RETURNS) {
      page.addEventListener(type, () => feed.state === FeedState.FAILED && feed.load());
    }
    button.addEventListener("animationend", () => delete button.dataset.ringing, { signal });
    this.#listenToToasts(client, feed, signal);
  }

  /**
   * @param {HubClient} client
   * @param {InboxFeed} feed
   * @param {AbortSignal} signal
   */
  #listenToToasts(client, feed, signal) {
    const displayed = (/** @type {Event} */ event) => {
      const { cursor, ids } = /** @type {ToastsDisplayedEvent} */ (event);
      client.displayed(cursor, ids);
    };
    const opened = (/** @type {Event} */ event) => {
      feed.markRead(/** @type {ToastOpenedEvent} */ (event).id);
    };
    client.addEventListener("hub-shown", (event) => this.#toasts?.forget(/** @type {HubShownEvent} */ (event).ids));
    client.addEventListener("hub-unshown", (event) => this.#showLate(/** @type {HubUnshownEvent} */ (event)));
    this.#toasts?.addEventListener("toasts-displayed", displayed, { signal });
    this.#toasts?.addEventListener("toast-opened", opened, { signal });
  }

  get #toasts() {
    const stack = document.querySelector("toast-stack");
    return stack instanceof ToastStackElement ? stack : null;
  }

  /** @param {InboxChangedEvent} event */
  #changed(event) {
    if (event.change) this.#notify(event.change, event.cursor);
    if (this.#isOver) this.#toasts?.dismissAll();
    this.dispatchEvent(event.copy());
    this.#renderSoon();
  }

  /**
   * @param {Change} change
   * @param {string} cursor
   */
  #notify({ fresh, delivered, gone }, cursor) {
    this.#toasts?.forget(delivered);
    this.#toasts?.withdraw(gone);
    if (gone.length > 0) closePushes(gone);
    if (fresh.length === 0 || !this.#parts) return;
    const { button, panel, page, store, client } = this.#parts;
    if (fresh.some((item) => store.lists(item))) button.dataset.ringing = "";
    const inPanel = panel.open && page.visible && fresh.every((item) => store.lists(item));
    if (inPanel) this.#showInPanel(fresh, cursor);
    else this.#toasts?.show(fresh, cursor, { now: client.notifies });
  }

  /**
   * Show fresh items in the open panel, where they need no toast.
   *
   * @param {Item[]} fresh
   * @param {string} cursor
   */
  #showInPanel(fresh, cursor) {
    const ids = fresh.map(({ id }) => id);
    this.#parts?.feed.older.showAlso(ids.length);
    this.#parts?.panel.announce(fresh);
    requestAnimationFrame(() => this.#parts?.client.displayed(cursor, ids));
    this.#parts?.feed.markAllSeen();
  }

  /**
   * Show items that arrived before this page opened, except those read or delivered since.
   *
   * @param {HubUnshownEvent} event
   */
  #showLate({ items, cursor }) {
    if (this.#isOver) return;
    const news = items.map((item) => this.#parts?.store.get(item.id) ?? item).filter(isNews);
    if (news.length > 0) this.#toasts?.show(news, cursor, { now: true });
  }

  /** Whether the session is over. */
  get #isOver() {
    return this.#parts?.feed.state === FeedState.ENDED;
  }

  #opened() {
    this.#render();
    this.#toasts?.dismissAll();
    this.#parts?.feed.markAllSeen();
  }

  #renderSoon() {
    if (this.#renderDue) return;
    this.#renderDue = true;
    queueMicrotask(() => this.#render());
  }

  #render() {
    this.#renderDue = false;
    if (!this.#parts) return;
    const { panel, store, client, feed } = this.#parts;
    this.setAttribute("unread", String(store.unread));
    this.setAttribute("unseen", String(store.unseen));
    this.#renderButton(this.#parts.button, store.unread);
    panel.renderState(FEED_FAILURES[feed.state] ?? client.state);
    // A closed panel keeps its rows, but not those of a session that is over.
    if (panel.open || this.#isOver) panel.render({ older: feed.older, unread: store.unread, state: feed.state });
  }

  /**
   * @param {HTMLElement} button
   * @param {number} unread
   */
  #renderButton(button, unread) {
    const badge = part(button, "badge");
    badge.hidden = unread === 0;
    setText(badge, badgeOf(unread));
    const { labelSome = "", labelNone = "" } = button.dataset;
    button.setAttribute("aria-label", unread ? labelSome.replace("{count}", badgeOf(unread)) : labelNone);
  }

  /** @param {string} name */
  #text(name) {
    return this.getAttribute(name) ?? "";
  }
}
