// @ts-check
/** @import { Item } from "../../../notifications_hub/static/notifications_hub/protocol/wire.js" */

/**
 * @param {string} id
 * @param {Partial<Item>} [rest]
 * @returns {Item}
 */
export function anItem(id, rest = {}) {
  const minute = String(Number(id.replace(/\D/g, "")) % 60).padStart(2, "0");
  return {
    id,
    kind: "comment.reply",
    title: `Title ${id}`,
    body: "",
    url: "/posts/9/",
    level: "info",
    icon: "reply",
    tag: `n${id}`,
    at: `2026-11-20T12:${minute}:00.000000Z`,
    unread: true,
    seen: false,
    archived: false,
    delivered: false,
    toast: true,
    ...rest,
  };
}
