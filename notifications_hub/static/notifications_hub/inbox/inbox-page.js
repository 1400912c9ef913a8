// @ts-check
/**
 * @import { HubEvent } from "../client/hub-events.js"
 * @import { InboxChangedEvent } from "./inbox-feed.js"
 * @import { ItemActEvent } from "./item-actions.js"
 * @import { MarkName } from "./notifications-api.js"
 * @import { Page } from "../protocol/wire.js"
 */
import { HubState } from "../protocol/hub-state.js";
import { ApiError } from "../shared/api-error.js";
import { copyOf, isInSight, part, setText } from "../shared/dom.js";
import { onTick } from "../shared/ticker.js";
import { resultIn } from "./action-result.js";
import { CardChange } from "./card-change.js";
import { leaves } from "./card-state.js";
import { ChangeNotice } from "./change-notice.js";
import { ConnectionNotice } from "./connection-notice.js";
import { InboxCards, idOf, isUnread } from "./inbox-cards.js";
import { InboxChanges } from "./inbox-changes.js";
import { InboxEvents } from "./inbox-events.js";
import { InboxPaging } from "./inbox-paging.js";
import { InboxSelection } from "./inbox-selection.js";
import { ItemActions } from "./item-actions.js";
import { offerLinks } from "./item-open.js";
import { badgeOf } from "./item-view.js";
import { NotificationsApi } from "./notifications-api.js";
import { shortcutsOf } from "./page-shortcuts.js";
import { ScrollAddress } from "./scroll-address.js";
import { preventRepeat } from "./shortcut-keys.js";
import { followSnoozeMenus, timeOf, untilOf } from "./snooze-menu.js";
import { TabCounts } from "./tab-counts.js";

/**
 * What a button asks for.
 *
 * @typedef {{mark: MarkName, until?: string, time?: string}} Wanted
 */

/** The parts that may show something private. */
const PRIVATE = [
  "days",
  "bulk",
  "news",
  "newer",
  "older",
  "reached",
  "blank",
  "notice",
  "done",
  "read-all",
  "filter",
  "kind-tabs",
];

/** What the page does while somebody looks at it: forms change it in place, events update it, the focus stays. */
export class InboxPage {
  #root;
  #unread;
  #cards;
  #changes;
  #events;
  #paging;
  #selection;
  /** @type {TabCounts | null} */
  #tabs;
  #shortcuts;
  #stop;
  /** The first row of the latest change, and the row that took its place. @type {(HTMLElement | undefined)[]} */
  #latest = [];

  /**
   * @param {HTMLElement} root the `<inbox-page>`
   * @param {AbortController} life
   */
  constructor(root, life) {
    const { signal } = life;
    const base = new URL(root.getAttribute("api") ?? "", document.baseURI);
    const api = new NotificationsApi({ base, csrf: root.getAttribute("csrf") ?? "", signal });
    const focusAfter = () => this.#focusLatest();
    const notice = new ChangeNotice({ bar: part(root, "notice"), scope: root, signal, focusAfter });
    const signedOut = () => this.#signOut();
    const changed = (more = 0) => this.#changed(more);
    const cards = new InboxCards(root);
    this.#root = root;
    this.#unread = Number(part(root, "count").dataset.unread);
    this.#cards = cards;
    this.#changes = new InboxChanges({ api, report: notice.report, page: this.#forChanges });
    const applied = (/** @type {HubEvent} */ event) => this.#events.apply(event);
    const leave = (/** @type {string[]} */ ids) => this.#leave(ids);
    this.#paging = new InboxPaging({ root, cards, notice, changed, applied, leave, signedOut, signal });
    this.#events = new InboxEvents({ root, cards, paging: this.#paging, leave });
    this.#selection = new InboxSelection(root, signal);
    this.#stop = () => life.abort();
    new ItemActions(root, signal);
    followSnoozeMenus(root, signal);
    const tabs = part(root, "kind-tabs");
    this.#tabs = tabs && new TabCounts(tabs, api, signal);
    offerLinks(root, signal);
    root.addEventListener("item-act", (event) => this.#act(api, /** @type {ItemActEvent} */ (event)), { signal });
    cards.refresh();
    new ScrollAddress(root, cards, signal);
    this.#listen(signal);
    const bar = part(root, "connection");
    if (bar) new ConnectionNotice({ bar, speaks: true, focusAfter: () => this.#focusHome(), signal });
    const mark = (/** @type {MarkName} */ name, /** @type {HTMLElement} */ card) =>
      this.#one({ mark: name }, card, { loud: true });
    const bulk = (/** @type {MarkName} */ name) => this.#bulk({ mark: name });
    this.#shortcuts = shortcutsOf({ root, cards, selection: this.#selection, mark, bulk, signal });
    this.#followLoaded(this.#bell?.firstPage ?? null);
  }

  get #forChanges() {
    return {
      recount: () => this.#recount(),
      reload: () => this.#paging.reload(),
      signedOut: () => this.#signOut(),
    };
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    onTick(() => this.#cards.refresh(), signal);
    document.addEventListener("hub-event", (event) => this.#received(/** @type {HubEvent} */ (event)), { signal });
    const followBell = (/** @type {Event} */ event) => this.#followBell(/** @type {InboxChangedEvent} */ (event));
    document.addEventListener("inbox-changed", followBell, { signal });
    document.addEventListener("hub-state", (event) => this.#state(event), { signal });
    // First of all: htmx, which may boost these forms, listens to the forms themselves.
    this.#root.addEventListener("submit", (event) => this.#submit(event), { signal, capture: true });
    this.#root.addEventListener("click", (event) => this.#click(event), { signal });
    this.#root.addEventListener("auxclick", (event) => event.button === 1 && this.#follow(event), { signal });
    this.#root.addEventListener("keydown", preventRepeat, { signal });
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    // A follow button sends its own form.
    if (!button || !["action", "snooze"].includes(button.name) || form.closest("follow-button")) return;
    event.preventDefault();
    event.stopPropagation();
    const wanted = wantedBy(button);
    if (!wanted) return;
    part(this.#root, "done")?.remove();
    const bulk = part(this.#root, "bulk");
    if (form === bulk) this.#bulk(wanted);
    else if (form.matches("[data-part=read-all]")) this.#readAll(partOf(new FormData(form)));
    else this.#one(wanted, form.closest("[data-id]"));
  }

  /** @param {Wanted} wanted */
  #bulk(wanted) {
    const form = /** @type {HTMLFormElement} */ (part(this.#root, "bulk"));
    const within = partOf(new FormData(form));
    const all = this.#selection.isWhole;
    const cards = all ? this.#cards.all : this.#cards.some(this.#selection.ids);
    this.#selection.clear();
    if (cards.length === 0) return;
    this.#latest = [cards[0], this.#cards.neighbourOf(cards)];
    this.#change(wanted, cards, { all, within });
    this.#focusLatest();
  }

  /** @param {Record<string, string>} within the part of the inbox that the button names */
  #readAll(within) {
    this.#latest = [];
    const show = () => {
      const wanted = this.#cards.all.filter(isUnread);
      // Of a part, only the server knows how many are not on the page.
      return this.#show("read", wanted, Object.keys(within).length ? 0 : Math.max(0, this.#unread - wanted.length));
    };
    this.#changes.make({ mark: "read", ids: [], all: true, within, show });
    this.#focusHome();
  }

  /**
   * @param {Wanted} wanted
   * @param {Element | null} row
   * @param {{loud?: boolean}} [how] loud: report it, because the button that takes it back was not pressed
   */
  #one(wanted, row, { loud = false } = {}) {
    const card = /** @type {HTMLElement | null} */ (row);
    if (!card) return;
    const { mark } = wanted;
    const stays = mark !== "acknowledge" && !leaves(mark, this.#list);
    const isCardFocused = document.activeElement === card;
    const neighbour = this.#cards.neighbourOf([card]);
    this.#latest = [card, neighbour];
    this.#change(wanted, [card], { quiet: (mark === "read" || mark === "unread") && !loud });
    if (stays) return;
    if (isCardFocused && neighbour) neighbour.focus();
    else this.#focusButton(neighbour, mark);
  }

  /**
   * @param {Wanted} wanted
   * @param {HTMLElement[]} cards
   * @param {{quiet?: boolean, all?: boolean, within?: Record<string, string>}} [how]
   */
  #change({ mark, until, time }, cards, { quiet, all, within } = {}) {
    const groups = this.#cards.isGrouped && ["read", "archive", "snooze"].includes(mark);
    const show = () => this.#show(mark, cards, 0, time);
    this.#changes.make({ mark, ids: cards.map(idOf), groups, quiet, all, within, until, show });
  }

  /**
   * @param {MarkName} mark
   * @param {HTMLElement[]} wanted
   * @param {number} [beyond]
   * @param {string} [until]
   */
  #show(mark, wanted, beyond, until) {
    const counted = (/** @type {number} */ more) => this.#changed(more);
    return new CardChange({ cards: this.#cards, counted, mark, wanted, beyond, until, list: this.#list });
  }

  get #list() {
    return this.#root.dataset.show ?? "all";
  }

  /**
   * @param {HTMLElement | undefined} card
   * @param {string} action
   */
  #focusButton(card, action) {
    const buttons = /** @type {HTMLElement[]} */ ([...(card?.querySelectorAll(`button[value="${action}"]`) ?? [])]);
    const target = buttons.find((button) => button.checkVisibility()) ?? card;
    if (target) target.focus();
    else this.#focusHome();
  }

  /** Move the focus to where the latest change happened, so that the page does not scroll away from it. */
  #focusLatest() {
    const row = this.#latest.find((card) => card?.isConnected) ?? this.#cards.all.find(isInSight);
    if (row) row.focus();
    else this.#focusHome();
  }

  /** Move the focus to the top of the list, or to what is shown in its place. */
  #focusHome() {
    const [bulk, blank] = [part(this.#root, "bulk"), part(this.#root, "blank")];
    const first = /** @type {HTMLElement | null} */ (this.#root.querySelector("[data-part=pick-all]"));
    if (!bulk.hidden) first?.focus();
    else blank.focus();
  }

  /**
   * @param {NotificationsApi} api
   * @param {ItemActEvent} event
   */
  #act(api, event) {
    event.done = resultIn(api.act(event.id, event.name, event.word)).catch((error) => {
      if (error instanceof ApiError && error.status === 401) this.#signOut();
      throw error;
    });
  }

  /** @param {HubEvent} event */
  #received(event) {
    this.#changes.confirm(event);
    this.#paging.note(event);
    this.#events.apply(event);
    this.#tabs?.apply(event);
  }

  /** @param {string[]} ids */
  #leave(ids) {
    const cards = this.#cards.some(ids);
    if (cards.length === 0) return;
    const focused = cards.find((card) => card.contains(document.activeElement));
    const neighbour = focused && this.#cards.neighbourOf(cards);
    this.#cards.remove(cards);
    this.#changed();
    if (focused) (neighbour ?? part(this.#root, "blank")).focus();
  }

  /** @param {number} [more] how many more are unread */
  #changed(more = 0) {
    this.#unread = Math.max(0, this.#unread + more);
    this.#count();
    this.#selection.refresh();
    this.#shortcuts?.refresh();
    const blank = part(this.#root, "blank");
    const hadFocus = document.activeElement === blank;
    blank.hidden = this.#cards.all.length > 0 || this.#paging.refill();
    if (hadFocus && blank.hidden) this.#focusLatest();
  }

  /**
   * Follow the bell, which counts on this page too. What it loaded may be newer than these rows, or follow a gap.
   *
   * @param {InboxChangedEvent} event
   */
  #followBell({ loaded }) {
    this.#recount();
    this.#followLoaded(loaded);
  }

  /** @param {Page | null} loaded by the bell, perhaps before this page was swapped in */
  #followLoaded(loaded) {
    if (loaded && this.#cards.differFrom(loaded)) this.#paging.refetch();
  }

  /** Take the bell's count, which follows the server. Without a bell the page counts by itself. */
  #recount() {
    const unread = this.#bell?.unread;
    if (typeof unread !== "number") return;
    this.#unread = unread;
    this.#count();
  }

  /** The bell, whose properties are missing until its script has run. */
  get #bell() {
    return /** @type {{unread?: number, firstPage?: Page | null} | null} */ (
      document.querySelector("notification-bell")
    );
  }

  #count() {
    const count = part(this.#root, "count");
    count.hidden = this.#unread === 0;
    setText(count, badgeOf(this.#unread));
    const readAll = part(this.#root, "read-all");
    if (readAll) readAll.hidden = this.#unread === 0;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const { target, detail } = event;
    // The second click of a double click would meet the next row, which has moved up, or the opposite button.
    const isSecond =
      detail > 1 && target instanceof Element && target.closest(".nh-row-actions button, .nh-confirm button");
    if (isSecond) event.preventDefault();
    else this.#follow(event);
  }

  /**
   * Mark a row as read when its link is followed, also into a new tab. The request outlives the page.
   *
   * @param {MouseEvent} event
   */
  #follow({ target }) {
    const link = target instanceof Element ? target.closest("a[data-part=link]") : null;
    const card = /** @type {HTMLElement | null} */ (link?.closest("[data-id][data-unread]") ?? null);
    if (card) this.#change({ mark: "read" }, [card], { quiet: true });
  }

  /** @param {Event} event */
  #state(event) {
    const { state } = /** @type {Event & {state?: string}} */ (event);
    if (state === HubState.SIGNED_OUT) this.#signOut();
  }

  /** Take everything private off the page. The next person at this browser may see it. */
  #signOut() {
    if (!part(this.#root, "days")) return;
    const hadFocus = this.#root.contains(document.activeElement);
    this.#changes.end();
    this.#stop();
    const words = copyOf(this.#root, "signed-out");
    for (const name of PRIVATE) part(this.#root, name)?.remove();
    part(this.#root, "count").hidden = true;
    this.#root.append(words);
    if (hadFocus) words.focus();
  }
}

/**
 * Return the list that a form names, or the part of it.
 *
 * @param {FormData} form
 */
function partOf(form) {
  const names = ["show", "tab", "kind"].filter((name) => form.get(name));
  return Object.fromEntries(names.map((name) => [name, String(form.get(name))]));
}

/**
 * Return what a button asks for, or null if the person has yet to say until when.
 *
 * @param {HTMLButtonElement} button
 * @returns {Wanted | null}
 */
function wantedBy(button) {
  if (button.name !== "snooze") return { mark: /** @type {MarkName} */ (button.value) };
  const until = untilOf(button);
  if (until === null) return null;
  /** @type {HTMLElement | null} */ (button.closest("[popover]"))?.hidePopover();
  return { mark: "snooze", until, time: timeOf(button) };
}
