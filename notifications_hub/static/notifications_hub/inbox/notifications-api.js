// @ts-check
/** @import { Bell, Counts, ItemResult, Page } from "../protocol/wire.js" */
import { CsrfFetch } from "../shared/csrf-fetch.js";

/** Milliseconds after which a change without an answer has failed. */
const ANSWERS_WITHIN = 15_000;

/**
 * How many notifications changed, and the token that undoes it; null if nothing changed, absent if nothing undoes it.
 *
 * @typedef {{changed: number, undo?: string | null}} Changed
 */

/** @typedef {"read" | "unread" | "archive" | "unarchive" | "acknowledge" | "save" | "unsave" | "snooze"} MarkName */

/** The inbox over HTTP. */
export class NotificationsApi {
  #base;
  #signal;
  #http;

  /**
   * @param {object} options
   * @param {string | URL} options.base absolute, such as "https://host/api/v1/"
   * @param {string} [options.csrf] "" to read Django's cookie
   * @param {AbortSignal} [options.signal] cancels pending reads; changes must outlive the page
   * @param {typeof globalThis.fetch} [options.fetch]
   */
  constructor({ base, csrf, signal, fetch }) {
    this.#base = base;
    this.#signal = signal;
    this.#http = new CsrfFetch({ token: csrf, fetch });
  }

  /** Use the token of a newer page. @param {string} token "" to read Django's cookie */
  set csrf(token) {
    this.#http.token = token;
  }

  /**
   * @param {{before?: string}} [from] the `next` of the page before; default: the first page
   * @returns {Promise<Page>}
   */
  list({ before = "" } = {}) {
    return this.#get(before ? `notifications/?before=${encodeURIComponent(before)}` : "notifications/");
  }

  /**
   * Return the newest unread items of a group, singly, with what they have in common in `group`.
   *
   * @param {string} key
   * @returns {Promise<Page>}
   */
  group(key) {
    return this.#get(`notifications/?group=${encodeURIComponent(key)}`);
  }

  /** @returns {Promise<{results: {name: string, unread: number, capped: boolean}[]}>} the groups of kinds */
  tabs() {
    return this.#get("notifications/tabs/");
  }

  /** @returns {Promise<Counts>} */
  count() {
    return this.#get("notifications/count/");
  }

  /**
   * Return what a page needs that no template of the site rendered.
   *
   * @param {{html?: boolean, lang?: string}} [wanted] `html` for the markup of the bell too
   * @returns {Promise<Bell>}
   */
  bell({ html = false, lang = "" } = {}) {
    return this.#get(html ? `bell/?html=true&lang=${encodeURIComponent(lang)}` : "bell/");
  }

  /**
   * @param {MarkName} mark
   * @param {{ids: string[], groups?: boolean, until?: string}
   *   | {all: true, show?: string, tab?: string, kind?: string, until?: string}} which with `groups`, also the older
   *   unread ones of their groups; for a snooze, until when
   * @returns {Promise<Changed>}
   */
  mark(mark, which) {
    // Nothing undoes a confirmation.
    return this.#send(`notifications/${mark}/`, mark === "acknowledge" ? which : { ...which, undo: true });
  }

  /**
   * @param {string} object from an item's reason
   * @param {boolean} on false to unfollow
   * @returns {Promise<unknown>}
   */
  follow(object, on) {
    return this.#send(`following/${on ? "follow" : "unfollow"}/`, { object });
  }

  /**
   * Run an action of a notification.
   *
   * @param {string} id
   * @param {string} name
   * @param {string} word
   * @returns {Promise<{result: ItemResult}>}
   * @throws {ApiError} with 409 if somebody has done it: its `answer.result` says who
   */
  act(id, name, word) {
    return this.#send(`notifications/${encodeURIComponent(id)}/actions/${encodeURIComponent(name)}/`, { word });
  }

  /** @returns {Promise<{changed: number}>} */
  markAllSeen() {
    return this.#send("notifications/seen/", { all: true });
  }

  /**
   * Report items that were shown while earlier ones still wait.
   *
   * @param {string[]} ids
   * @returns {Promise<{changed: number}>}
   */
  shown(ids) {
    return this.#send("notifications/shown/", { ids });
  }

  /**
   * Undo a change, for an hour.
   *
   * @param {string} token the `undo` of the change
   * @returns {Promise<{changed: number}>}
   */
  undo(token) {
    return this.#send("notifications/undo/", { undo: token });
  }

  /** @param {string} path */
  #get(path) {
    return this.#http.get(new URL(path, this.#base), { signal: this.#signal });
  }

  /**
   * Keep the request alive: a click may mark an item as read and leave the page at the same moment.
   *
   * @param {string} path
   * @param {object} body
   */
  #send(path, body) {
    const init = { keepalive: true, signal: AbortSignal.timeout(ANSWERS_WITHIN) };
    return this.#http.send("POST", new URL(path, this.#base), body, init);
  }
}
