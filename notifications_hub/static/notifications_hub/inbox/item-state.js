// @ts-check
/** @import { Item } from "../protocol/wire.js" */

/** The most that a list shows on top because the person must confirm them. */
export const PINNED = 5;

/**
 * Return 1 for an unread item, and 0 for any other and for none.
 *
 * @param {Item | undefined} item
 */
export function isUnread(item) {
  return Number(item?.unread ?? false);
}

/**
 * Return 1 for an item that is unread and was never seen in the bell.
 *
 * @param {Item | undefined} item
 */
export function isUnseen(item) {
  return Number(item ? item.unread && !item.seen : false);
}

/**
 * Return whether the person has yet to confirm the item.
 *
 * @param {Item | undefined} item
 */
export function isUnconfirmed(item) {
  return Boolean(item?.must_acknowledge && !item.acknowledged_at);
}

/**
 * Return whether the item still needs a toast.
 *
 * @param {Item} item
 */
export function isNews(item) {
  return item.toast && item.unread && !item.seen && !item.delivered;
}

/**
 * Return whether a list of a scope has the item. An item without a scope is in every list.
 *
 * @param {{scope?: string}} item
 * @param {string | null} scope null: the list is of the whole inbox
 */
export function isInScope({ scope: its }, scope) {
  return scope === null || !its || its === scope;
}

/**
 * Compare two items for a list with the newest first.
 *
 * @param {Item} a
 * @param {Item} b
 */
export function newestFirst(a, b) {
  return Date.parse(b.at) - Date.parse(a.at) || b.id.localeCompare(a.id, undefined, { numeric: true });
}

/**
 * Return the part of an item that the person changes and can take back.
 *
 * @param {Item} item
 */
export function stateOf({ unread, seen, must_acknowledge, acknowledged_at }) {
  return { unread, seen, ...(must_acknowledge && { acknowledged_at }) };
}
