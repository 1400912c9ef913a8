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
 * @property {boolean} [quiet] whether success goes without saying, because the button that reverts it is right there
 */

/** Changes on the inbox page: shown at once, then sent, then offered to undo; put back and reported if they fail. */
export class InboxChanges {
  #api;
  #cards;
  #notice;
  #changed;
  #signedOut;

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

  /** @param {Wanted} wanted */
  async make(wanted) {
    const { mark, cards, all } = wanted;
    const revert = this.#show(wanted);
    try {
      const { changed, undo } = await this.#api.mark(mark, all ? { all } : { ids: cards.map(idOf) });
      this.#report(wanted, changed, this.#undoing(wanted, undo, revert));
    } catch (error) {
      revert();
      this.#fail(DONE[mark], error, () => this.make(wanted));
    }
  }

  /**
   * @param {Wanted} wanted
   * @param {number} changed
   * @param {(() => Promise<unknown>) | null} undoing
   */
  #report({ mark, quiet }, changed, undoing) {
    if (quiet || changed === 0) return;
    this.#notice.done(this.#notice.doneText(DONE[mark], changed), undoing && (() => this.#undo(undoing)));
  }

  /**
   * Show the change on the page. Return a function that takes it back.
   *
   * @param {Wanted} wanted
   */
  #show({ mark, cards }) {
    if (mark === "read" || mark === "unread") return this.#showRead(cards, mark === "unread");
    const unread = cards.filter(isUnread).length * (mark === "archive" ? -1 : 1);
    this.#cards.remove(cards);
    this.#changed(unread);
    return () => {
      this.#cards.insert(cards);
      this.#changed(-unread);
    };
  }

  /**
   * @param {HTMLElement[]} cards
   * @param {boolean} unread
   */
  #showRead(cards, unread) {
    const touched = cards.filter((card) => isUnread(card) !== unread);
    const more = unread ? touched.length : -touched.length;
    this.#cards.mark(touched, unread);
    this.#changed(more);
    return () => {
      this.#cards.mark(touched, !unread);
      this.#changed(-more);
    };
  }

  /**
   * @param {Wanted} wanted
   * @param {string | null} token
   * @param {() => void} revert
   */
  #undoing({ mark, cards }, token, revert) {
    const opposite = mark === "unread" || mark === "unarchive" ? OPPOSITE[mark] : null;
    if (!token && !opposite) return null;
    const ids = cards.map(idOf);
    return async () => {
      if (token) await this.#api.undo(token);
      else if (opposite) await this.#api.mark(opposite, { ids });
      revert();
    };
  }

  /** @param {() => Promise<unknown>} undoing */
  async #undo(undoing) {
    try {
      await undoing();
    } catch (error) {
      this.#fail("undo", error, () => this.#undo(undoing));
    }
  }

  /**
   * @param {string} change
   * @param {unknown} error
   * @param {() => unknown} retry
   */
  #fail(change, error, retry) {
    if (error instanceof ApiError && error.status === 401) return this.#signedOut();
    this.#notice.failed(this.#notice.failedText(change, error), retry);
  }
}

/** @param {Element} card */
export function isUnread(card) {
  return card.hasAttribute("data-unread");
}
