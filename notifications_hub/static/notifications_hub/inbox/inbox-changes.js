// @ts-check
/** @import { MarkName, NotificationsApi } from "./notifications-api.js" */
import { ApiError } from "../shared/api-error.js";

/** The words for a change that is done. @type {Record<MarkName, string>} */
const DONE = {
  read: "read",
  unread: "unread",
  archive: "archived",
  unarchive: "unarchived",
  acknowledge: "acknowledged",
  save: "saved",
  unsave: "unsaved",
  snooze: "snoozed",
};
/** The marks without a token are undone by their opposite. @type {Partial<Record<MarkName, MarkName>>} */
const OPPOSITE = { unread: "read", unarchive: "archive", unsave: "save" };
/** After these, no change of the item can be shown or taken back. */
const GONE = ["notification.deleted", "announcement.withdrawn"];

/**
 * A change that a page shows, and the ways back.
 *
 * @typedef {object} Shown
 * @property {number} count how many the server should change
 * @property {(confirmed: Set<string>) => void} revert the change failed: take it back, except for these ids
 * @property {() => void} undo take it back because the person asked for that
 * @property {() => void} redo show it again
 *
 * @typedef {object} Action
 * @property {MarkName} mark
 * @property {string[]} ids
 * @property {boolean} [all] everything in the inbox, instead of the ids
 * @property {boolean} [groups] the older unread ones of the items' groups too
 * @property {{show?: string, tab?: string, kind?: string}} [within] the list that `all` means, or a part of it
 * @property {string} [until] for a snooze
 * @property {boolean} [quiet] whether success is not reported, because the button that reverts it is right there
 * @property {() => Shown} show
 *
 * @typedef {object} Report how a change ended, for the person
 * @property {(done: {change: string, count: number, undo: (() => Promise<void>) | null, key: string}) => void} done
 * @property {(failed: {change: string, error: unknown, retry: () => Promise<void>, key: string}) => void} failed
 *
 * @typedef {{action: Action, key: string, shown: Shown, confirmed: Set<string>}} Request
 */

/**
 * Changes by the person, in the panel or on the inbox page. Each is shown at once and then sent. If the request fails, it
 * is taken back; if it succeeds, undo is offered.
 */
export class InboxChanges {
  #api;
  #report;
  #page;
  /** Changes whose answer is awaited. @type {Set<Request>} */
  #underWay = new Set();
  #isOver = false;

  /**
   * @param {object} options
   * @param {Pick<NotificationsApi, "mark" | "undo" | "follow">} options.api
   * @param {Report} options.report
   * @param {{recount(): void, reload(): void, signedOut(): void}} options.page called if what it shows is in doubt
   */
  constructor({ api, report, page }) {
    this.#api = api;
    this.#report = report;
    this.#page = page;
  }

  /**
   * Note an event of the hub: what the server has done is not taken back, even if its answer gets lost.
   *
   * @param {{kind: string, data: any}} event
   */
  confirm({ kind, data }) {
    for (const { action, confirmed } of this.#underWay) {
      if (!GONE.includes(kind) && !hasDone(action.mark, kind, data)) continue;
      for (const id of data?.ids ?? [data?.id]) confirmed.add(id);
    }
  }

  /** Report and revert nothing any more: the session is over. */
  end() {
    this.#isOver = true;
  }

  /** @param {Action} action */
  async make(action) {
    const { until } = action;
    const key = `${action.mark} ${action.all ? "all" : action.ids} ${until ?? ""}`;
    if (this.#isOver || [...this.#underWay].some((request) => request.key === key)) return;
    const request = { action, key, shown: action.show(), confirmed: new Set() };
    this.#underWay.add(request);
    try {
      const { mark, all, within, ids, groups } = action;
      const which = all ? { all, ...within } : { ids, ...(groups && { groups }) };
      const { changed, undo } = await this.#api.mark(mark, { ...which, until });
      this.#done(request, changed, undo);
    } catch (error) {
      this.#failed(request, error);
    } finally {
      this.#underWay.delete(request);
    }
  }

  /**
   * Unfollow a thing. An event removes the buttons of its rows.
   *
   * @param {string} object
   */
  async unfollow(object) {
    const report = { change: "unfollowed", key: `unfollow ${object}` };
    try {
      await this.#api.follow(object, false);
      if (!this.#isOver) this.#report.done({ ...report, count: 1, undo: () => this.#followAgain(object) });
    } catch (error) {
      if (this.#isOver || this.#signedOut(error)) return;
      this.#report.failed({ ...report, error, retry: () => this.unfollow(object) });
    }
  }

  /** @param {string} object */
  async #followAgain(object) {
    try {
      await this.#api.follow(object, true);
    } catch (error) {
      if (this.#isOver || this.#signedOut(error)) return;
      this.#report.failed({ change: "undo", key: `follow ${object}`, error, retry: () => this.#followAgain(object) });
    }
  }

  /**
   * @param {Request} request
   * @param {number} changed
   * @param {string | null} [token]
   */
  #done(request, changed, token) {
    if (this.#isOver) return;
    const { action, key, shown } = request;
    if (changed !== shown.count) this.#page.recount();
    if (action.quiet) return;
    const opposite = OPPOSITE[action.mark];
    const send = token
      ? () => this.#api.undo(token)
      : opposite && (() => this.#api.mark(opposite, { ids: action.ids }));
    const undo = changed && send ? () => this.#undo(request, changed, send) : null;
    this.#report.done({ change: DONE[action.mark], count: changed, undo, key });
  }

  /**
   * @param {Request} request
   * @param {unknown} error
   */
  #failed({ action, key, shown, confirmed }, error) {
    if (this.#isOver || this.#signedOut(error)) return;
    shown.revert(confirmed);
    this.#page.recount();
    if (!action.all && action.ids.every((id) => confirmed.has(id))) return;
    this.#report.failed({ change: DONE[action.mark], error, retry: () => this.make(action), key });
  }

  /**
   * @param {Request} request
   * @param {number} changed how many the server changed
   * @param {() => Promise<{changed: number}>} send
   */
  async #undo(request, changed, send) {
    if (this.#isOver) return;
    // First on the page: the events that report it then find the rows in place.
    request.shown.undo();
    try {
      const undone = await send();
      if (undone.changed !== changed) this.#undoneInPart(request, undone.changed);
    } catch (error) {
      this.#undoFailed(request, error, () => this.#undo(request, changed, send));
    }
  }

  /**
   * Other changes have replaced it meanwhile, so only the server knows how things are now.
   *
   * @param {Request} request
   * @param {number} undone
   */
  #undoneInPart({ key }, undone) {
    if (this.#isOver) return;
    this.#page.recount();
    this.#page.reload();
    if (undone === 0) this.#report.done({ change: "undo-failed", count: 1, undo: null, key });
  }

  /**
   * @param {Request} request
   * @param {unknown} error
   * @param {() => Promise<void>} retry
   */
  #undoFailed({ shown, key }, error, retry) {
    if (this.#isOver || this.#signedOut(error)) return;
    shown.redo();
    this.#page.recount();
    // It is too late, so a retry would fail again.
    const isRefused = error instanceof ApiError && error.status === 400;
    if (isRefused) this.#report.done({ change: "undo-failed", count: 1, undo: null, key });
    else this.#report.failed({ change: "undo", error, retry, key: `undo ${key}` });
  }

  /**
   * Return whether the session is over. A 403 may also mean a stale token, so that is a failure.
   *
   * @param {unknown} error
   */
  #signedOut(error) {
    const isSignedOut = error instanceof ApiError && error.status === 401;
    if (isSignedOut) this.#page.signedOut();
    return isSignedOut;
  }
}

/**
 * Return whether an event says that the server has made a change.
 *
 * @param {MarkName} mark
 * @param {string} kind
 * @param {any} data
 */
function hasDone(mark, kind, data) {
  switch (kind) {
    case "notification.read":
    case "notification.unread":
      return kind.endsWith(`.${mark}`);
    case "notification.archived":
      return mark === (data.snoozed_until ? "snooze" : "archive");
    case "notification.updated":
      if (mark === "acknowledge") return Boolean(data.acknowledged_at);
      if (mark === "save" || mark === "unsave") return Boolean(data.saved) === (mark === "save");
      return mark === "unarchive" && !data.archived;
    default:
      return false;
  }
}
