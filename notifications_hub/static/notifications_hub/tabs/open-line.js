// @ts-check
/**
 * @import { Line } from "../client/hub-client.js"
 * @import { Watch } from "../client/hub-line.js"
 * @import { ConnectionKind } from "../connections/fallback-connection.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { Network } from "../protocol/network.js"
 * @import { Item } from "../protocol/wire.js"
 */
import { HubLine } from "../client/hub-line.js";
import { Fallback } from "../connections/fallback.js";
import { FallbackConnection } from "../connections/fallback-connection.js";
import { PollConnection } from "../connections/poll-connection.js";
import { PollPace } from "../connections/poll-pace.js";
import { SseConnection } from "../connections/sse-connection.js";
import { WebSocketConnection } from "../connections/web-socket-connection.js";
import { postAck } from "../protocol/live-ack.js";
import { liveFor, liveUrl } from "../protocol/live-url.js";
import { browserNetwork } from "../protocol/network.js";
import { sessionMemory } from "../shared/session-memory.js";
import { TabLine } from "./tab-line.js";

/**
 * Return the line of this page. It uses the best kind of connection that works. It shares the connection with the
 * person's other tabs if the browser can (everywhere but on plain http).
 *
 * @param {object} options
 * @param {URL} options.live
 * @param {string} options.person identifies the person in this browser; "" shares nothing
 * @param {Watch & {focused: boolean}} options.page
 * @param {() => Item[]} options.unshown the items this page has not shown yet
 * @param {boolean} [options.toasts] false if the owner of this line shows no toasts
 * @param {() => Query} options.query
 * @returns {Line}
 */
export function liveLine({ live: prefix, person, page, unshown, toasts = true, query }) {
  const live = liveFor(prefix, person);
  const kinds = kindsAt(live);
  const names = kinds.map(({ name }) => name);
  const fallback = new Fallback(names, sessionMemory());
  const newLine = (/** @type {() => Query} */ wanted, /** @type {Watch} */ watch) =>
    new HubLine({ connect: (now) => new FallbackConnection({ kinds, fallback, query: now }), watch, query: wanted });
  if (!person || !navigator.locks || !globalThis.BroadcastChannel) return newLine(query, page);
  return new TabLine({
    name: `notifications-hub:${person}`,
    page,
    query,
    newLine,
    unshown,
    toasts,
    // The leader's connection reports who is present, so a poll that only catches up must not.
    catchUp: (now) => new PollConnection(live, liveUrl(live, PollConnection.path, now), { visible: false }),
    ack: (cursor) => postAck(live, cursor),
    locks: navigator.locks,
    openChannel: (name) => new BroadcastChannel(name),
  });
}

/**
 * Return a line of this page alone with one fixed kind of connection, to choose a kind or to compare them.
 *
 * @param {object} options
 * @param {URL} options.live
 * @param {string} options.kind "ws", "sse", "poll", or "plain-poll" for one that never waits at the server
 * @param {Watch} options.watch
 * @param {() => Query} options.query
 * @param {Network} [options.network]
 * @returns {Line}
 */
export function lineOfKind({ live, kind, watch, query, network = browserNetwork() }) {
  const chosen = [...kindsAt(live, network), plainPoll(live, network)].find(({ name }) => name === kind);
  if (!chosen) throw new Error(`There is no kind of connection called "${kind}"`);
  return new HubLine({ connect: (now) => chosen.dial(now()), watch, query });
}

/**
 * @param {URL} live
 * @param {Network} [network]
 * @returns {ConnectionKind[]}
 */
function kindsAt(live, network = browserNetwork()) {
  const { path: ws } = WebSocketConnection;
  const { path: sse } = SseConnection;
  const { path: poll } = PollConnection;
  return [
    { name: "ws", patience: 10_000, dial: (query) => new WebSocketConnection(liveUrl(live, ws, query), network) },
    { name: "sse", patience: 5_000, dial: (query) => new SseConnection(live, liveUrl(live, sse, query), network) },
    {
      name: "poll",
      patience: 15_000,
      dial: (query) => new PollConnection(live, liveUrl(live, poll, query), { network }),
    },
  ];
}

/**
 * @param {URL} live
 * @param {Network} network
 * @returns {ConnectionKind}
 */
function plainPoll(live, network) {
  const url = (/** @type {Query} */ query) => liveUrl(live, PollConnection.path, query);
  const how = () => ({ network, pace: new PollPace(0) });
  return { name: "plain-poll", patience: 15_000, dial: (query) => new PollConnection(live, url(query), how()) };
}
