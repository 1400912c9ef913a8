// @ts-check
/**
 * @import { HubEvent } from "../client/hub-events.js"
 * @import { NotificationsApi } from "./notifications-api.js"
 */
import { setText } from "../shared/dom.js";

/** Milliseconds from a change to the question, so that many changes are one question. */
const SOON = 400;
/** Milliseconds between two questions. */
const PAUSE = 3000;

const CHANGES = new Set([
  "notification.created",
  "notification.updated",
  "notification.read",
  "notification.unread",
  "notification.archived",
  "notification.deleted",
  "announcement.created",
  "announcement.withdrawn",
]);

/** The unread counts on the tabs of the inbox page. The server counts, because most events name only ids. */
export class TabCounts {
  #nav;
  #api;
  #asked = Number.NEGATIVE_INFINITY;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} nav
   * @param {NotificationsApi} api
   * @param {AbortSignal} signal
   */
  constructor(nav, api, signal) {
    this.#nav = nav;
    this.#api = api;
    document.addEventListener("visibilitychange", () => this.#timer && this.#schedule(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** @param {HubEvent} event */
  apply({ kind }) {
    if (CHANGES.has(kind)) this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    const wait = Math.max(SOON, this.#asked + PAUSE - performance.now());
    this.#timer = setTimeout(() => this.#ask(), wait);
  }

  async #ask() {
    // A page that nobody sees asks when it is seen again.
    if (document.hidden) return;
    this.#timer = undefined;
    this.#asked = performance.now();
    const answer = await this.#api.tabs().catch(() => null);
    for (const { name, unread, capped } of answer?.results ?? []) {
      const count = this.#nav.querySelector(`[data-tab="${CSS.escape(name)}"] .nh-count`);
      if (!(count instanceof HTMLElement)) continue;
      count.hidden = unread === 0;
      setText(count, unread > 99 ? "99+" : `${unread}${capped ? "+" : ""}`);
    }
  }
}
