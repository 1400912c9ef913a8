// @ts-check
/**
 * @import { HubStateName } from "../protocol/hub-state.js"
 * @import { Change } from "../inbox/store-effect.js"
 * @import { ItemActEvent } from "../inbox/item-actions.js"
 * @import { ToastConfirmedEvent, ToastOpenedEvent, ToastsDisplayedEvent } from "../toasts/toast-events.js"
 * @import { Item } from "../protocol/wire.js"
 */

import { Attention } from "../attention/attention.js";
import { HubEvent, HubShownEvent, HubStateEvent, HubUnshownEvent } from "../client/hub-events.js";
import { FeedState, InboxChangedEvent } from "../inbox/inbox-feed.js";
import { ItemActions } from "../inbox/item-actions.js";
import { offerLinks } from "../inbox/item-open.js";
import { isNews } from "../inbox/item-state.js";
import { badgeOf } from "../inbox/item-view.js";
import { NotificationPanel } from "../inbox/notification-panel.js";
import { PageInbox } from "../inbox/page-inbox.js";
import { HubState } from "../protocol/hub-state.js";
import { closePushes } from "../push/close-pushes.js";
import { copyOf, part, setText } from "../shared/dom.js";
import { QuietTimes } from "../shared/quiet-times.js";
import { SwapKeeper } from "../shared/swap-keeper.js";
import { elementLine } from "./element-line.js";
import { ToastStackElement } from "./toast-stack-element.js";

/** The inboxes of bells that a script may just be replacing. @type {SwapKeeper<PageInbox>} */
const between = new SwapKeeper((inbox) => inbox.stop());
/** A failure of the feed overrides the state of the connection. @type {Record<string, HubStateName | undefined>} */
const FEED_FAILURES = { [FeedState.FAILED]: HubState.WAITING, [FeedState.ENDED]: HubState.SIGNED_OUT };

/**
 * @typedef {object} Parts
 * @property {Attention} attention
 * @property {HTMLButtonElement} button
 * @property {NotificationPanel} panel
 * @property {PageInbox} inbox
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
 * - `quiet`: the person's quiet hours of the next days, which it keeps up to date; absent: none.
 * - `title-count`, `favicon-count` and `sound`: present if the site wants them; see `Attention`.
 * - `no-data-images`: present if the site's policy is known to allow no images of `data:`.
 * - `sign-in`: the address of the sign-in page.
 * - `unread` and `unseen`: the counts, which it keeps up to date.
 *
 * `hub-event`, `hub-reset`, `hub-refused` and `hub-state` bubble from it, and `inbox-changed` after each change of the
 * inbox. Until it is upgraded it shows the link inside it.
 *
 * If a script swaps the page's body, the next bell of the same person goes on with the same connection and inbox.
 */
export class NotificationBellElement extends HTMLElement {
  #life = new AbortController();
  #renderDue = false;
  /** Set while the element is connected to a document. @type {Parts | null} */
  #parts = null;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    // htmx inserts the new body before it removes the old one, whose bell has the inbox until then.
    queueMicrotask(() => signal.aborted || this.#start());
  }

  disconnectedCallback() {
    this.#life.abort();
    if (this.#parts) {
      this.#parts.inbox.hide();
      between.keep(this.#key, this.#parts.inbox);
    }
    this.#parts = null;
  }

  #start() {
    const { button, panel } = this.#build();
    const taken = between.take(this.#key);
    const goesOn = taken !== null && !taken.isOver;
    if (!goesOn) taken?.stop();
    const inbox = goesOn ? taken : this.#newInbox();
    const attention = new Attention(this, part(button, "badge"), this.#life.signal);
    this.#parts = { attention, button, panel, inbox };
    this.#listen(button);
    const receive = (/** @type {Event} */ event) => this.#receive(event);
    inbox.show({ receive, report: panel.report }, { csrf: this.#text("csrf") });
    this.#keepQuiet();
    if (goesOn) this.#goOn(inbox);
    else inbox.start();
  }

  /**
   * Inform the new elements of the page, which missed what came before.
   *
   * @param {PageInbox} inbox
   */
  #goOn({ client, firstPage }) {
    this.dispatchEvent(new HubStateEvent(client.state));
    this.dispatchEvent(new InboxChangedEvent(null, "", firstPage));
  }

  /** The number of unread notifications. */
  get unread() {
    return this.#inbox?.store.unread ?? Number(this.#text("unread"));
  }

  /** @param {string} id */
  markRead(id) {
    return this.#inbox?.feed.markRead(id);
  }

  /** Try a lost connection again now, and what failed to load. */
  reconnect() {
    this.#inbox?.page.dispatchEvent(new Event("page-focus"));
  }

  /** The newest items as the API returns them, or null before they are loaded. */
  get firstPage() {
    return this.#inbox?.firstPage ?? null;
  }

  get #inbox() {
    return this.#parts?.inbox;
  }

  /** What the next bell must have in common to go on with the same inbox. */
  get #key() {
    return JSON.stringify(["api", "live", "person", "topics", "scope"].map((name) => this.getAttribute(name)));
  }

  #newInbox() {
    return new PageInbox({
      topics: this.#text("topics").split(/\s+/).filter(Boolean),
      base: new URL(this.#text("api"), document.baseURI),
      counts: { unread: Number(this.#text("unread")), unseen: Number(this.#text("unseen")) },
      scope: this.getAttribute("scope"),
      line: (page, query) => elementLine(this, { page, query, toasts: true }),
    });
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
      closed: () => this.#inbox?.feed.older.showNewest(),
      retry: () => this.#inbox?.feed.load(),
      readAll: () => this.#inbox?.feed.markAllRead(),
      older: () => this.#inbox?.feed.showOlder(),
      read: (/** @type {string} */ id) => this.#inbox?.feed.markRead(id),
      archive: (/** @type {string} */ id) => this.#inbox?.feed.archive(id),
      acknowledge: (/** @type {string} */ id) => this.#inbox?.feed.acknowledge(id),
      unfollow: (/** @type {string} */ id) => this.#inbox?.feed.unfollow(id),
    };
  }

  /** @param {HTMLButtonElement} button */
  #listen(button) {
    const { signal } = this.#life;
    const displayed = (/** @type {Event} */ event) => {
      const { cursor, ids } = /** @type {ToastsDisplayedEvent} */ (event);
      this.#inbox?.client.displayed(cursor, ids);
      if (!cursor) this.#inbox?.feed.reportShown(ids);
    };
    const opened = (/** @type {Event} */ event) => {
      this.markRead(/** @type {ToastOpenedEvent} */ (event).id);
    };
    const act = (/** @type {Event} */ event) => this.#act(/** @type {ItemActEvent} */ (event));
    const stack = document.querySelector("toast-stack");
    for (const scope of [this, stack]) scope?.addEventListener("item-act", act, { signal });
    new ItemActions(this, signal);
    offerLinks(this, signal);
    stack?.addEventListener("toasts-displayed", displayed, { signal });
    stack?.addEventListener("toast-opened", opened, { signal });
    const confirmed = (/** @type {Event} */ event) => {
      this.#inbox?.feed.acknowledge(/** @type {ToastConfirmedEvent} */ (event).id);
    };
    stack?.addEventListener("toast-confirmed", confirmed, { signal });
    button.addEventListener("animationend", () => delete button.dataset.ringing, { signal });
  }

  /** @param {ItemActEvent} event */
  #act(event) {
    event.done = this.#inbox?.feed.act(event.id, event.name, event.word) ?? null;
  }

  /** @param {Event} event of the feed or the client */
  #receive(event) {
    if (event instanceof InboxChangedEvent) this.#changed(event);
    else if (event instanceof HubShownEvent) this.#toasts?.forget(event.ids);
    else if (event instanceof HubUnshownEvent) this.#showLate(event);
    else this.#pass(event);
  }

  /** @param {Event} event for other elements of the page */
  #pass(event) {
    if (event instanceof HubEvent && event.kind === "quiet_hours.updated") {
      this.setAttribute("quiet", JSON.stringify(event.data));
      this.#keepQuiet();
    }
    this.dispatchEvent(/** @type {HubStateEvent} */ (event).copy());
  }

  /** Follow the attribute. The stack may be defined later on the page, but is upgraded in the same script. */
  #keepQuiet() {
    this.#toasts?.keepQuiet(this.#quiet);
    this.#render();
  }

  get #quiet() {
    return QuietTimes.parse(this.#text("quiet"));
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
  #notify({ fresh, updated, delivered, gone }, cursor) {
    // First of all: a toast that shows a result stays, although its person's own click has read the item.
    this.#toasts?.update(updated);
    this.#toasts?.forget(delivered);
    this.#toasts?.withdraw(gone);
    if (gone.length > 0) closePushes(gone);
    if (fresh.length === 0 || !this.#parts) return;
    const { attention, button, panel, inbox } = this.#parts;
    attention.sound(fresh, this.#quiet);
    const listed = fresh.filter((item) => inbox.store.lists(item));
    if (listed.length > 0) button.dataset.ringing = "";
    const inPanel = panel.open && inbox.page.visible && listed.length === fresh.length;
    if (inPanel) this.#showInPanel(fresh, cursor);
    else this.#toasts?.show(fresh, cursor, { now: inbox.client.notifies });
  }

  /**
   * Show fresh items in the open panel, where they need no toast.
   *
   * @param {Item[]} fresh
   * @param {string} cursor
   */
  #showInPanel(fresh, cursor) {
    const ids = fresh.map(({ id }) => id);
    this.#inbox?.feed.older.showAlso(ids.length);
    this.#parts?.panel.announce(fresh);
    requestAnimationFrame(() => this.#inbox?.client.displayed(cursor, ids));
    this.#inbox?.feed.markAllSeen();
  }

  /**
   * Show items that arrived before this page opened, except those read or delivered since.
   *
   * @param {HubUnshownEvent} event
   */
  #showLate({ items, cursor }) {
    if (this.#isOver) return;
    const news = items.map((item) => this.#inbox?.store.get(item.id) ?? item).filter(isNews);
    if (news.length > 0) this.#toasts?.show(news, cursor, { now: true });
  }

  /** Whether the session is over. */
  get #isOver() {
    return this.#inbox?.isOver ?? false;
  }

  #opened() {
    this.#render();
    this.#toasts?.dismissAll();
    this.#inbox?.feed.markAllSeen();
  }

  #renderSoon() {
    if (this.#renderDue) return;
    this.#renderDue = true;
    queueMicrotask(() => this.#render());
  }

  #render() {
    this.#renderDue = false;
    if (!this.#parts) return;
    const { attention, button, panel, inbox } = this.#parts;
    const { store, client, feed } = inbox;
    this.setAttribute("unread", String(store.unread));
    this.setAttribute("unseen", String(store.unseen));
    this.#renderButton(button, store.unread);
    attention.count(store.unread);
    panel.renderState(FEED_FAILURES[feed.state] ?? client.state);
    panel.renderQuiet(this.#quiet.endAt(Date.now()));
    // A closed panel keeps its rows, but not those of a session that is over.
    if (panel.open || this.#isOver) panel.render({ older: feed.older, store, state: feed.state });
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
