// @ts-check
/**
 * @import { Line } from "./hub-client.js"
 * @import { Watch } from "./hub-line.js"
 * @import { Kind } from "./ladder-connection.js"
 * @import { Query } from "./live-url.js"
 * @import { Item } from "./wire.js"
 */
import { HubLine } from "./hub-line.js";
import { Ladder } from "./ladder.js";
import { LadderConnection } from "./ladder-connection.js";
import { postAck } from "./live-ack.js";
import { liveUrl } from "./live-url.js";
import { PollConnection } from "./poll-connection.js";
import { SseConnection } from "./sse-connection.js";
import { TabLine } from "./tab-line.js";
import { WebSocketConnection } from "./web-socket-connection.js";

/**
 * The line of this page, put together: the best kind of connection that works, shared with the person's other tabs
 * where the browser can do that (everywhere but on plain http).
 *
 * @param {object} options
 * @param {URL} options.live
 * @param {string} options.person tells people of one browser apart; "" shares nothing
 * @param {Watch & {focused: boolean}} options.page
 * @param {() => Item[]} options.unshown what this page has not shown yet
 * @param {boolean} [options.toasts] false: it is not for this line to tell the person
 * @param {() => Query} options.query
 * @returns {Line}
 */
export function liveLine({ live, person, page, unshown, toasts = true, query }) {
  const kinds = kindsAt(live);
  const names = kinds.map(({ name }) => name);
  const ladder = new Ladder(names, pageMemory());
  const newLine = (/** @type {() => Query} */ wanted, /** @type {Watch} */ watch) =>
    new HubLine({ connect: (now) => new LadderConnection({ kinds, ladder, query: now }), watch, query: wanted });
  if (!person || !navigator.locks || !globalThis.BroadcastChannel) return newLine(query, page);
  return new TabLine({
    name: `notifications-hub:${person}`,
    page,
    query,
    newLine,
    unshown,
    toasts,
    catchUp: (now) => new PollConnection(live, liveUrl(live, PollConnection.path, now)),
    ack: (cursor) => postAck(live, cursor),
    locks: navigator.locks,
    openChannel: (name) => new BroadcastChannel(name),
  });
}

/**
 * @param {URL} live
 * @returns {Kind[]}
 */
function kindsAt(live) {
  const { path: ws } = WebSocketConnection;
  const { path: sse } = SseConnection;
  const { path: poll } = PollConnection;
  return [
    { name: "ws", patience: 10_000, dial: (query) => new WebSocketConnection(liveUrl(live, ws, query)) },
    { name: "sse", patience: 5_000, dial: (query) => new SseConnection(live, liveUrl(live, sse, query)) },
    { name: "poll", patience: 15_000, dial: (query) => new PollConnection(live, liveUrl(live, poll, query)) },
  ];
}

/** A browser that keeps nothing for this site throws at the mere question. */
function pageMemory() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
