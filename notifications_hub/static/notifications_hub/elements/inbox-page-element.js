// @ts-check
/** @import { HubEvent } from "../client/hub-events.js" */
import { part, setText } from "../shared/dom.js";
import { NotificationBellElement } from "./notification-bell-element.js";

/**
 * `<inbox-page>` around the server-rendered inbox: updates its rows live. New items are not inserted, because the
 * person may be reading; a link offers them instead.
 */
export class InboxPageElement extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    document.addEventListener("hub-event", (event) => this.#apply(/** @type {HubEvent} */ (event)), { signal });
    document.addEventListener("inbox-changed", () => this.#count(), { signal });
    this.addEventListener("click", (event) => this.#click(event), { signal });
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {HubEvent} event */
  #apply({ kind, data }) {
    switch (kind) {
      case "notification.created":
      case "announcement.created":
        return this.#offerNews();
      case "notification.read":
      case "notification.unread":
        return this.#mark(data.ids, kind === "notification.unread");
      case "notification.archived":
      case "notification.deleted":
      case "announcement.withdrawn":
        return this.#remove(data.ids);
    }
  }

  /** @param {string[]} [ids] */
  #rows(ids = []) {
    const rows = /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-id]"));
    return [...rows].filter((row) => ids.includes(row.dataset.id ?? ""));
  }

  /**
   * @param {string[]} ids
   * @param {boolean} unread
   */
  #mark(ids, unread) {
    for (const row of this.#rows(ids)) {
      row.toggleAttribute("data-unread", unread);
      this.#toggleParts(row, "[data-part=unread], [data-part=read]", unread);
      this.#toggleParts(row, "[data-part=unread-again]", !unread);
    }
  }

  /**
   * @param {HTMLElement} row
   * @param {string} selector
   * @param {boolean} visible
   */
  #toggleParts(row, selector, visible) {
    const parts = /** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll(selector));
    for (const one of parts) one.hidden = !visible;
  }

  /** @param {string[]} ids */
  #remove(ids) {
    for (const row of this.#rows(ids)) row.remove();
    if (!this.querySelector("[data-id]")) this.#offerNews();
  }

  #offerNews() {
    part(this, "news").hidden = false;
  }

  #count() {
    const unread = this.#bell?.unread ?? 0;
    const count = part(this, "count");
    count.hidden = unread === 0;
    setText(count, String(unread));
  }

  /**
   * Mark a row as read when its link is followed.
   *
   * @param {MouseEvent} event
   */
  #click({ target }) {
    const link = target instanceof Element ? target.closest("a[data-part=link]") : null;
    const id = link?.closest("[data-id][data-unread]")?.getAttribute("data-id");
    if (id) this.#bell?.markRead(id);
  }

  get #bell() {
    const bell = document.querySelector("notification-bell");
    return bell instanceof NotificationBellElement ? bell : null;
  }
}
