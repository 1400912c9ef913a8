// @ts-check
/**
 * The npm package `@notifications-hub/client`: the inbox and the hub's events for a front end of your own.
 *
 * @typedef {import("./inbox-store.js").InboxSnapshot} InboxSnapshot
 * @typedef {import("./inbox-store.js").Marked} Marked
 * @typedef {import("../inbox/inbox-feed.js").FeedStateName} FeedStateName
 * @typedef {import("../inbox/notifications-api.js").MarkName} MarkName
 * @typedef {import("../inbox/older-pages.js").OlderStateName} OlderStateName
 * @typedef {import("../protocol/hub-state.js").HubStateName} HubStateName
 * @typedef {import("../protocol/wire.js").Bell} Bell
 * @typedef {import("../protocol/wire.js").Entry} Entry
 * @typedef {import("../protocol/wire.js").Item} Item
 * @typedef {import("../protocol/wire.js").ItemAction} ItemAction
 * @typedef {import("../protocol/wire.js").ItemResult} ItemResult
 * @typedef {import("../protocol/wire.js").Page} Page
 */
export { HubEvent, HubFrameEvent, HubRefusedEvent, HubResetEvent, HubStateEvent } from "../client/hub-events.js";
export { FeedState } from "../inbox/inbox-feed.js";
export { linkOf, wordsOf } from "../inbox/item-view.js";
export { OlderState } from "../inbox/older-pages.js";
export { HubState } from "../protocol/hub-state.js";
export { ApiError } from "../shared/api-error.js";
export { relativeTime } from "../shared/relative-time.js";
export {
  ForbiddenError,
  InvalidRequestError,
  OfflineError,
  ServerError,
  SignedOutError,
  TooManyRequestsError,
} from "./errors.js";
export { HubClient } from "./hub-client.js";
export { InboxStore } from "./inbox-store.js";
