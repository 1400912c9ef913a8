// @ts-check
/**
 * What tabs say to each other; `from` is a tab's id. Each lead has a `term`, later
 * ones higher, so that nobody follows a tab that has not yet noticed it leads no more.
 *
 * @typedef {object} Look what a tab wants, and whether somebody looks at it
 * @property {string[]} topics
 * @property {boolean} visible
 * @property {boolean} focused
 * @property {boolean} [toasts] false: it has nowhere to show any
 *
 * @typedef {object} Hello a follower is there, or is another than before; asks for a welcome
 * @property {"hello"} type
 * @property {string} from
 * @property {Look} look
 * @property {string} sign of a return that the line should know of, such as "page-focus"; "" for none
 * @property {boolean} first it has only just come
 *
 * @typedef {object} Welcome where the leader stands
 * @property {"welcome"} type
 * @property {string} from
 * @property {number} term
 * @property {string} to the tab it answers, "" for all
 * @property {State} state
 * @property {number} number of the last frame it passed on
 * @property {string[]} topics what its connection is known to carry
 * @property {boolean} full it can carry no more, so not all that this tab wants
 * @property {number} hiddenFor milliseconds since the leader itself was last seen, 0 while it is
 * @property {{items: Item[], cursor: string}} unshown waits to be shown, no tab having been visible
 *
 * @typedef {object} Passed a frame the leader heard
 * @property {"frame"} type
 * @property {string} from
 * @property {number} term
 * @property {number} number one more than that of the frame before
 * @property {string} notifier the tab that is to show what it tells; "" for none
 * @property {Frame} frame
 *
 * @typedef {{type: "refused", from: string, term: number, topic: string}} Refused
 * @typedef {{type: "shown", from: string, ids: string[]}} Shown a tab displayed these
 * @typedef {Hello | Welcome | Passed | Refused | Shown} TabMessage
 *
 * @import { State } from "../protocol/hub-state.js"
 * @import { Frame, Item } from "../protocol/wire.js"
 */
export {};
