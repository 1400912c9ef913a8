// @ts-check
/** @import { MarkName } from "./notifications-api.js" */

/**
 * The state of a card of the inbox page.
 *
 * @typedef {object} CardState
 * @property {boolean} unread
 * @property {boolean} saved
 * @property {boolean} archived
 * @property {string} until when it comes back, as ISO 8601; "" if it is not snoozed
 */

/** The lists that a card leaves when it is marked. @type {Partial<Record<MarkName, string[]>>} */
const LEAVES = {
  archive: ["all", "unread", "unconfirmed", "group", "snoozed"],
  unarchive: ["archived", "snoozed"],
  snooze: ["all", "unread", "unconfirmed", "group"],
  unsave: ["saved"],
};
const CHANGES = {
  read: { unread: false },
  unread: { unread: true },
  acknowledge: { unread: false },
  archive: { archived: true, until: "" },
  unarchive: { archived: false, until: "" },
  save: { saved: true },
  unsave: { saved: false },
};

/**
 * @param {Element} card
 * @returns {CardState}
 */
export function stateOf(card) {
  return {
    unread: card.hasAttribute("data-unread"),
    saved: card.hasAttribute("data-saved"),
    archived: card.hasAttribute("data-archived"),
    until: card.getAttribute("data-snoozed") ?? "",
  };
}

/**
 * Return what a mark changes in the state of a card.
 *
 * @param {MarkName} mark
 * @param {string} until for a snooze, when it ends as far as the page knows
 * @returns {Partial<CardState>}
 */
export function changeOf(mark, until) {
  return mark === "snooze" ? { archived: true, until } : CHANGES[mark];
}

/**
 * Return whether a mark takes cards off a list.
 *
 * @param {MarkName} mark
 * @param {string} list all, unread, unconfirmed, saved, snoozed or archived
 */
export function leaves(mark, list) {
  return LEAVES[mark]?.includes(list) ?? false;
}

/**
 * Return whether a card in this place belongs to a list that is not about reading or saving.
 *
 * @param {{archived: boolean, snoozed_until?: string}} item
 * @param {string} list
 */
export function isListed({ archived, snoozed_until: until = "" }, list) {
  if (list === "snoozed") return Boolean(until);
  return list === "archived" ? archived && !until : !archived;
}

/**
 * Return 1 for a card that the count of unread ones includes, and 0 for any other.
 *
 * @param {CardState} state
 */
export function counted({ unread, archived }) {
  return Number(unread && !archived);
}
