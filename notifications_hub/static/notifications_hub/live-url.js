// @ts-check
/** @typedef {{topics: Iterable<string>, cursor: string}} Query what to listen to, and from where on; "" for now */

/**
 * The address of one kind of connection.
 *
 * @param {URL} live the prefix the host chose, whole
 * @param {string} path such as "ws/"
 * @param {Query} query
 */
export function liveUrl(live, path, { topics, cursor }) {
  const url = new URL(path, live);
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
