// @ts-check
/**
 * The messages between tabs; `from` is a tab's id. Each lead has a `term`, and later leads have higher ones. So no tab
 * follows a former leader that has not noticed its loss yet.
 *
 * @typedef {object} TabStatus the topics that a tab wants, and whether it is visible and focused
 * @property {string[]} topics
 * @property {boolean} visible
 * @property {boolean} focused
 * @property {boolean} [toasts] false if it cannot show toasts
 *
 * @typedef {object} Hello a follower has joined or its status has changed; asks for a welcome
 * @property {"hello"} type
 * @property {string} from
 * @property {TabStatus} status
 * @property {string} sign of a return that the line should learn of, such as "page-focus"; "" for none
 * @property {boolean} first whether it has only just joined
 *
 * @typedef {object} Welcome the state of the leader
 * @property {"welcome"} type
 * @property {string} from
 * @property {number} term
 * @property {string} to the tab it answers; "" for all
 * @property {HubStateName} state
 * @property {number} [retryAt] when its lost connection is tried again, in milliseconds; absent if a tab of an older release leads
 * @property {number} number of the last frame it passed on
 * @property {string[]} topics the topics that its connection is known to carry
 * @property {boolean} full whether the connection can carry no more topics, so not all that this tab wants
 * @property {number} hiddenFor milliseconds since the leader's own tab became hidden; 0 while it is visible
 * @property {{items: Item[], cursor: string}} unshown items that wait because no tab was visible
 *
 * @typedef {object} Passed a frame that the leader received
 * @property {"frame"} type
 * @property {string} from
 * @property {number} term
 * @property {number} number one more than that of the previous frame
 * @property {string} notifier the tab that shows its toasts; "" for none
 * @property {Frame} frame
 *
 * @typedef {{type: "refused", from: string, term: number, topic: string}} Refused
 * @typedef {{type: "shown", from: string, ids: string[]}} Shown a tab has displayed these items
 * @typedef {Hello | Welcome | Passed | Refused | Shown} TabMessage
 *
 * @import { HubStateName } from "../protocol/hub-state.js"
 * @import { Frame, Item } from "../protocol/wire.js"
 */
export {};
