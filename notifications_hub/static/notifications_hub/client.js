// @ts-check
/**
 * The public module for scripts of a host project. `index.js` registers the elements; this module exports everything
 * that a host's own script may import. All other modules are private.
 *
 * @typedef {import("./client/hub-client.js").Line} Line
 * @typedef {import("./protocol/hub-state.js").HubStateName} HubStateName
 * @typedef {import("./protocol/live-url.js").Query} Query
 * @typedef {import("./protocol/network.js").Network} Network
 * @typedef {import("./protocol/wire.js").Entry} Entry
 * @typedef {import("./protocol/wire.js").Frame} Frame
 * @typedef {import("./protocol/wire.js").Item} Item
 * @typedef {import("./protocol/wire.js").Job} Job
 */
export { HubClient } from "./client/hub-client.js";
export { HubEvent, HubFrameEvent, HubRefusedEvent, HubResetEvent, HubStateEvent } from "./client/hub-events.js";
export { PageWatch } from "./client/page-watch.js";
export { backoff } from "./protocol/backoff.js";
export { HubState } from "./protocol/hub-state.js";
export { announce } from "./shared/announcer.js";
export { copyOf, pageLanguage, part, setText } from "./shared/dom.js";
export { sessionMemory } from "./shared/session-memory.js";
export { lineOfKind, liveLine } from "./tabs/open-line.js";
