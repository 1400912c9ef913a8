// @ts-check
/**
 * @import { ChangeNotice } from "./change-notice.js"
 * @import { InboxCards } from "./inbox-cards.js"
 * @import { MarkName, NotificationsApi } from "./notifications-api.js"
 */
import { ApiError } from "../shared/api-error.js";
import { idOf } from "./inbox-cards.js";

const DONE = /** @type {const} */ ({ read: "read", unread: "unread", archive: "archived", unarchive: "unarchived" });
const OPPOSITE = /** @type {const} */ ({ unread: "read", unarchive: "archive" });

/**
 * A change that the person asked for.
 *
 * @typedef {object} Wanted
 * @property {MarkName} mark
 * @property {HTMLElement[]} cards those on the page that change
 * @property {boolean} [all] everything in the inbox, also what is not on the page
 * @property {number} [beyond] how many unread ones that are not on the page are read too
 * @property {boolean} [quiet] whether success goes without saying, because the button that reverts it is right there
 */

/** Changes on the inbox page: shown at once, then sent, then offered to undo; put back and reported if they fail. */
export class PageChanges {
  #api;
  #cards;
  #notice;
  #changed;
  #signedOut;
  /** Changes whose answer is awaited. @type {Set<{mark: MarkName, confirmed: Set<string>}>} */
  #underWay = new Set();

  /**
   * @param {object} options
   * @param {NotificationsApi} options.api
   * @param {InboxCards} options.cards
   * @param {ChangeNotice} options.notice
   * @param {(more: number) => void} options.changed called when cards changed, with how many more are unread
   * @param {() => void} options.signedOut
   */
  constructor({ api, cards, notice, changed, signedOut }) {
    this.#api = api;
    this.#cards = cards;
    this.#notice = notice;
    this.#changed = changed;
    this.#signedOut = signedOut;
  }

  /**
   * Note an event of the hub: what the server has done is not taken back, even if its answer gets lost.
   *
   * @param {MarkName} mark
   * @param {string[]} ids
   */
  confirm(mark, ids) {
    for (const request of this.#underWay) if (request.mark === mark) for (const id of ids) request.confirmed.add(id);
  }

  /** @param {Wanted} wanted */
  async make(wanted) {
    const { mark, cards, all } = wanted;
    const request = { mark, confirmed: new Set() };
    const revert = this.#show(wanted);
    this.#underWay.add(request);
    try {
      const { changed, undo } = await this.#api.mark(mark, all ? { all } : { ids: cards.map(idOf) });
      this.#report(wanted, changed, this.#undoing(wanted, undo, revert));
    } catch (error) {
      revert(request.confirmed);
      this.#fail(DONE[mark], error, () => this.make(wanted), keyOf(wanted));
    } finally {
      this.#underWay.delete(request);
    }
  }

  /**
   * @param {Wanted} wanted
   * @param {number} changed
   * @param {(() => Promise<unknown>) | null} undoing
   */
  #report(wanted, changed, undoing) {
    if (wanted.quiet) return;
    if (changed === 0) return this.#notice.done(this.#notice.unchangedText(DONE[wanted.mark]), null, keyOf(wanted));
    const undo = undoing && (() => this.#undo(undoing, keyOf(wanted)));
    this.#notice.done(this.#notice.doneText(DONE[wanted.mark], changed), undo, keyOf(wanted));
  }

  /**
   * Show the change on the page. Return a function that takes it back, except for ids that the server did change.
   *
   * @param {Wanted} wanted
   * @returns {(except?: Set<string>) => void}
   */
  #show({ mark, cards, beyond = 0 }) {
    if (mark === "read" || mark === "unread") return this.#showRead(cards, mark === "unread", beyond);
    const more = mark === "archive" ? -1 : 1;
    this.#cards.remove(cards);
    this.#changed(more * cards.filter(isUnread).length);
    return (except = new Set()) => {
      const back = cards.filter((card) => !except.has(idOf(card)));
      this.#cards.insert(back);
      this.#changed(-more * back.filter(isUnread).length);
    };
  }

  /**
   * @param {HTMLElement[]} cards
   * @param {boolean} unread
   * @param {number} beyond
   * @returns {(except?: Set<string>) => void}
   */
  #showRead(cards, unread, beyond) {
    const touched = cards.filter((card) => isUnread(card) !== unread);
    const mark = (/** @type {HTMLElement[]} */ some, /** @type {boolean} */ to) => {
      this.#cards.mark(some, to);
      this.#changed((some.length + beyond) * (to ? 1 : -1));
    };
    mark(touched, unread);
    return (except = new Set()) => {
      const back = touched.filter((card) => !except.has(idOf(card)) && isUnread(card) === unread);
      mark(back, !unread);
    };
  }

  /**
   * @param {Wanted} wanted
   * @param {string | null} token
   * @param {(except?: Set<string>) => void} revert
   */
  #undoing(wanted, token, revert) {
    const { mark, cards } = wanted;
    const opposite = mark === "unread" || mark === "unarchive" ? OPPOSITE[mark] : null;
    if (!token && !opposite) return null;
    const ids = cards.map(idOf);
    return async () => {
      // First on the page: the events that report it then find the cards in place.
      revert();
      try {
        await (token ? this.#api.undo(token) : opposite && this.#api.mark(opposite, { ids }));
      } catch (error) {
        this.#show(wanted);
        throw error;
      }
    };
  }

  /**
   * @param {() => Promise<unknown>} undoing
   * @param {string} key
   */
  async #undo(undoing, key) {
    try {
      await undoing();
    } catch (error) {
      this.#fail("undo", error, () => this.#undo(undoing, key), `undo ${key}`);
    }
  }

  /**
   * @param {string} change
   * @param {unknown} error
   * @param {() => unknown} retry
   * @param {string} key
   */
  #fail(change, error, retry, key) {
    if (error instanceof ApiError && error.status === 401) return this.#signedOut();
    this.#notice.failed(this.#notice.failedText(change, error), retry, key);
  }
}

/** @param {Element} card */
export function isUnread(card) {
  return card.hasAttribute("data-unread");
}

/** @param {Wanted} wanted */
function keyOf({ mark, cards, all }) {
  return `${mark} ${all ? "all" : cards.map(idOf)}`;
}
