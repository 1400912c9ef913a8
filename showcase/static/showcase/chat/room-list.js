// @ts-check
import { setText } from "../../notifications_hub/dist/client.js";

/** The person's rooms beside the log, each with its number of unread messages. */
export class RoomList {
  #root;

  /** @param {Element} root */
  constructor(root) {
    this.#root = root;
  }

  /** @param {string} topic */
  wrote(topic) {
    this.#set(topic, this.#unread(topic) + 1);
  }

  /** @param {string} topic */
  read(topic) {
    this.#set(topic, 0);
  }

  /** @param {string} topic */
  left(topic) {
    this.#row(topic)?.remove();
  }

  /** @param {string} topic */
  #unread(topic) {
    return Number(this.#row(topic)?.dataset.unread ?? 0);
  }

  /**
   * @param {string} topic
   * @param {number} unread
   */
  #set(topic, unread) {
    const row = this.#row(topic);
    const badge = row?.querySelector("[data-part=unread]");
    if (!row || !(badge instanceof HTMLElement)) return;
    row.dataset.unread = String(unread);
    badge.hidden = unread === 0;
    setText(/** @type {Element} */ (badge.querySelector("[data-part=count]")), unread > 99 ? "99+" : String(unread));
  }

  /** @param {string} topic */
  #row(topic) {
    const rows = /** @type {HTMLElement[]} */ ([...this.#root.querySelectorAll("[data-topic]")]);
    return rows.find(({ dataset }) => dataset.topic === topic);
  }
}
