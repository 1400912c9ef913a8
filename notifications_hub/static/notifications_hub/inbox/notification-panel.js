// @ts-check
/**
 * @import { FeedStateName } from "./inbox-feed.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 * @import { InboxStore } from "./inbox-store.js"
 * @import { Report } from "./inbox-changes.js"
 * @import { OlderPages } from "./older-pages.js"
 * @import { Item } from "../protocol/wire.js"
 */
import { announce, silence } from "../shared/announcer.js";
import { part, setText } from "../shared/dom.js";
import { onTick } from "../shared/ticker.js";
import { ChangeNotice } from "./change-notice.js";
import { ConnectionNotice } from "./connection-notice.js";
import { FeedState } from "./inbox-feed.js";
import { PINNED } from "./item-state.js";
import { shortTime } from "./item-times.js";
import { badgeOf } from "./item-view.js";
import { NewsAnnouncer } from "./news-announcer.js";
import { NotificationList } from "./notification-list.js";
import { OlderState } from "./older-pages.js";
import { positionPanel } from "./position-panel.js";
import { signInLink } from "./sign-in-link.js";

/**
 * Callbacks for the person's actions in the panel.
 *
 * @typedef {object} Actions
 * @property {() => void} opened
 * @property {() => void} closed
 * @property {() => void} retry
 * @property {() => void} readAll
 * @property {() => void} older
 * @property {(id: string) => void} read
 * @property {(id: string) => void} archive
 * @property {(id: string) => void} acknowledge
 * @property {(id: string) => void} unfollow
 */

/**
 * The panel that the bell's button opens. The browser's popover opens it, closes it on Escape or a click outside, and
 * restores the focus.
 */
export class NotificationPanel {
  #panel;
  #button;
  #actions;
  #signIn;
  #list;
  #notice;
  #news;
  /** The row of the last change: the focus returns there. */
  #lastRow = 0;
  /** @type {FeedStateName} */
  #state = FeedState.LOADING;
  /** @type {string} */
  #older = OlderState.NONE;

  /**
   * @param {object} options
   * @param {HTMLElement} options.panel
   * @param {HTMLButtonElement} options.button
   * @param {() => HTMLElement} options.newRow
   * @param {Actions} options.actions
   * @param {string} options.signIn the address of the sign-in page, or ""
   * @param {AbortSignal} options.signal
   */
  constructor({ panel, button, newRow, actions, signIn, signal }) {
    this.#panel = panel;
    this.#button = button;
    this.#actions = actions;
    this.#signIn = signIn;
    this.#list = new NotificationList(part(panel, "list"), newRow);
    const focusAfter = () => this.#focusLastRow();
    this.#notice = new ChangeNotice({ bar: part(panel, "notice"), scope: panel, signal, focusAfter });
    this.#news = new NewsAnnouncer(panel.dataset);
    const bar = part(panel, "connection");
    // The panel is read when it is opened, and the page itself announces it.
    if (bar) new ConnectionNotice({ bar, speaks: false, focusAfter: () => panel.focus(), signal });
    button.popoverTargetElement = panel;
    this.#listen(signal);
  }

  get open() {
    return this.#panel.matches(":popover-open");
  }

  /** Reports the person's changes in the notice. @returns {Report} */
  get report() {
    const { done, failed } = this.#notice.report;
    return {
      done: (one) => {
        if (this.open || !["read", "acknowledged"].includes(one.change)) done(one);
      },
      failed,
    };
  }

  /** @param {Item[]} items shown in the open panel */
  announce(items) {
    this.#news.add(items);
  }

  /**
   * @param {object} inbox
   * @param {OlderPages} inbox.older
   * @param {InboxStore} inbox.store
   * @param {FeedStateName} inbox.state
   */
  render({ older, store, state }) {
    const hadFocus = this.#hasFocus;
    const { unread, unconfirmed } = store;
    const top = store.pinned.slice(0, PINNED);
    const items = [...top, ...older.shown.filter((item) => !top.includes(item))];
    const bare = items.length === 0;
    const before = this.#list.size;
    // Every row was archived: the next ones take their place.
    if (bare && state === FeedState.READY && older.state === OlderState.MORE) return this.#actions.older();
    const isLoading = state === FeedState.LOADING || older.state === OlderState.LOADING;
    this.#list.render(items);
    this.#show("list", !bare);
    this.#show("loading", bare && isLoading);
    this.#show("failed", bare && state === FeedState.FAILED);
    this.#show("empty", bare && state === FeedState.READY && older.state === OlderState.NONE);
    this.#show("signed-out", state === FeedState.ENDED);
    this.#show("to-confirm", unconfirmed > top.length);
    const all = part(this.#panel, "to-confirm-link");
    setText(all, (all.dataset.text ?? "").replace("{count}", badgeOf(unconfirmed)));
    this.#show("read-all", unread > 0 && state === FeedState.READY);
    const isShort = bare && (isLoading || state !== FeedState.READY);
    this.#renderOlder(isShort ? OlderState.NONE : older.state, before);
    this.#stateChanged(state, hadFocus);
    if (hadFocus && !this.#hasFocus) this.#panel.focus();
  }

  /** Whether the focus is on something in the panel that is still visible. */
  get #hasFocus() {
    const focused = document.activeElement;
    return this.#panel.contains(focused) && (focused?.checkVisibility() ?? false);
  }

  /** @param {HubStateName} state */
  renderState(state) {
    const label = part(this.#panel, "state");
    label.dataset.state = state;
    label.title = label.getAttribute(`data-text-${state}`) ?? "";
    setText(part(label, "state-text"), label.title);
  }

  /** @param {number} end of the quiet hours that hold now, in milliseconds; 0: none do */
  renderQuiet(end) {
    const line = part(this.#panel, "quiet");
    line.hidden = end === 0;
    if (end > 0) setText(line, (line.dataset.text ?? "").replace("{time}", shortTime(end)));
  }

  /**
   * @param {string} state
   * @param {number} before the number of rows before
   */
  #renderOlder(state, before) {
    const button = part(this.#panel, "older");
    const isFocused = document.activeElement === button;
    const text = button.getAttribute(`data-text-${state}`) ?? "";
    button.hidden = state === OlderState.NONE;
    button.setAttribute("aria-disabled", String(state === OlderState.LOADING));
    setText(button, text);
    if (state === OlderState.FAILED && this.#older !== state) announce(text, { urgent: true });
    if (this.#older === OlderState.LOADING && isFocused && this.#list.size > before) this.#list.focus(before);
    this.#older = state;
  }

  /**
   * @param {FeedStateName} state
   * @param {boolean} isFocused
   */
  #stateChanged(state, isFocused) {
    if (state === this.#state) return;
    this.#state = state;
    if (state === FeedState.ENDED) this.#signedOut(isFocused);
    if (state === FeedState.FAILED) this.#announceBlank("failed");
  }

  /** @param {boolean} isFocused */
  #signedOut(isFocused) {
    this.#news.clear();
    this.#notice.clear();
    silence();
    const link = /** @type {HTMLAnchorElement} */ (part(this.#panel, "sign-in"));
    link.hidden = !this.#signIn;
    if (this.#signIn) link.href = signInLink(this.#signIn, window.location);
    if (isFocused) (link.hidden ? this.#panel : link).focus();
    this.#announceBlank("signed-out");
  }

  /** @param {string} name */
  #announceBlank(name) {
    const blank = part(this.#panel, name);
    if (this.open && !blank.hidden) announce(blank.querySelector(".nh-blank-title")?.textContent ?? "");
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const panel = this.#panel;
    panel.addEventListener("beforetoggle", ({ newState }) => newState === "open" && this.#place(), { signal });
    panel.addEventListener("toggle", ({ newState }) => this.#toggled(newState === "open"), { signal });
    panel.addEventListener("keydown", (event) => this.#key(event), { signal });
    panel.addEventListener("focusout", (event) => this.#focusLeft(event), { signal });
    panel.addEventListener("click", (event) => this.#click(event), { signal });
    panel.addEventListener("auxclick", (event) => event.button === 1 && this.#click(event), { signal });
    window.addEventListener("resize", () => this.open && this.#place(), { signal });
    window.addEventListener("scroll", () => this.open && this.#place(), { signal, passive: true });
    signal.addEventListener("abort", () => this.#news.clear(), { once: true });
    onTick(() => this.open && this.#list.tick(), signal);
  }

  #place() {
    positionPanel(this.#panel, this.#button);
  }

  /** @param {boolean} open */
  #toggled(open) {
    this.#button.setAttribute("aria-expanded", String(open));
    if (!open) return this.#actions.closed();
    this.#panel.focus();
    this.#actions.opened();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // A key held down acts on one row alone, not on those that move up.
    if ((event.key === "Enter" && event.repeat) || this.#list.moveFocus(event.key)) event.preventDefault();
  }

  /** @param {FocusEvent} event */
  #focusLeft({ relatedTarget }) {
    const left = relatedTarget instanceof Node && !this.#panel.contains(relatedTarget);
    if (left && relatedTarget !== this.#button) this.#panel.hidePopover();
  }

  /** @param {MouseEvent} event */
  #click({ target, detail, button }) {
    // The middle button opens links in a new tab, and presses no buttons.
    const controls = button === 1 ? "a[data-part]" : "a[data-part], button[data-part]";
    const control = target instanceof Element ? target.closest(controls) : null;
    const row = control?.closest("[data-id]") ?? null;
    const id = row?.getAttribute("data-id") ?? "";
    if (row) this.#lastRow = this.#list.indexOf(row);
    // The second click of a double click would meet the next row, which has moved up.
    const isSecond = detail > 1;
    switch (control?.getAttribute("data-part")) {
      case "read-all":
        return this.#actions.readAll();
      case "retry":
        return this.#actions.retry();
      case "older":
        return this.#actions.older();
      case "link":
        return this.#actions.read(id);
      case "read":
        return isSecond ? undefined : this.#actions.read(id);
      case "confirm":
        return isSecond ? undefined : this.#actions.acknowledge(id);
      case "archive":
        return isSecond ? undefined : this.#actions.archive(id);
      case "unfollow":
        return isSecond ? undefined : this.#actions.unfollow(id);
    }
  }

  #focusLastRow() {
    if (!this.#list.focus(this.#lastRow)) this.#panel.focus();
  }

  /**
   * @param {string} name
   * @param {boolean} visible
   */
  #show(name, visible) {
    part(this.#panel, name).hidden = !visible;
  }
}
