// @ts-check
/** @import { Item } from "../protocol/wire.js" */

/**
 * The effect of one or more events.
 *
 * @typedef {object} Change
 * @property {boolean} touched the list or a count changed
 * @property {Item[]} fresh new and not delivered yet: to be shown as toasts
 * @property {string[]} delivered reached the person in another way: not to be shown any more, but visible toasts stay
 * @property {Item[]} updated changed in their words or actions: visible toasts follow
 * @property {string[]} gone read, archived or deleted: visible toasts are removed too
 * @property {boolean} recount whether the counts must be fetched
 * @property {boolean} reload whether the list must be fetched
 * @property {Set<string>} groups the keys of groups that have changed
 *
 * @typedef {{kind: string, data: any}} InboxEvent
 */

/** @returns {Change} */
export function noChange() {
  return {
    touched: false,
    fresh: [],
    updated: [],
    delivered: [],
    gone: [],
    recount: false,
    reload: false,
    groups: new Set(),
  };
}

/**
 * Return the ids of a change. A change may name a range of the log instead, which only the server can resolve.
 *
 * @param {{ids?: string[]}} data
 * @param {Change} change
 */
export function idsOf(data, change) {
  if (Array.isArray(data?.ids)) return data.ids;
  change.reload = true;
  return [];
}
