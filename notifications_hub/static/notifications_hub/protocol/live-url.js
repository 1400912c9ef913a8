// @ts-check
/** @typedef {{topics: Iterable<string>, cursor: string}} Query what to listen to, and from where on; "" for now */

/**
 * The prefix of the live addresses, for a page's person: another who signs in later in the same browser gets none of
 * what that page asks for.
 *
 * @param {URL} prefix the one the host chose, whole
 * @param {string} person "" where the page does not say
 */
export function liveFor(prefix, person) {
  const live = new URL(prefix);
  if (person) live.searchParams.set("person", person);
  return live;
}

/**
 * @param {URL} live from `liveFor`
 * @param {string} path such as "ack/"
 */
export function liveAddress(live, path) {
  const url = new URL(path, live);
  url.search = live.search;
  return url;
}

/**
 * The address of one kind of connection.
 *
 * @param {URL} live
 * @param {string} path such as "ws/"
 * @param {Query} query
 */
export function liveUrl(live, path, { topics, cursor }) {
  const url = liveAddress(live, path);
  for (const topic of topics) url.searchParams.append("topic", topic);
  if (cursor) url.searchParams.set("cursor", cursor);
  return url;
}

/**
 * The same address for a WebSocket: ws for http, wss for https.
 *
 * @param {URL} url
 */
export function socketUrl(url) {
  const socket = new URL(url);
  socket.protocol = url.protocol.replace("http", "ws");
  return socket;
}
