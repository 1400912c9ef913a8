// @ts-check
/** @import { HistoryPage, Message } from "../../../showcase/static/showcase/chat/chat-message.js" */

/**
 * @param {number} id
 * @param {Partial<Message>} [fields]
 * @returns {Message}
 */
export function message(id, fields = {}) {
  const at = "2026-11-21T12:00:00Z";
  return { id, person: 1, name: "Alice", hue: 1, body: `m${id}`, mentions: [], at, client_id: `c${id}`, ...fields };
}

/**
 * @param {number[]} ids
 * @param {{older: boolean}} how
 * @returns {HistoryPage}
 */
export function page(ids, { older }) {
  return { results: ids.map((id) => message(id)), older, cursor: "" };
}
