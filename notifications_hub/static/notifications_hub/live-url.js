// @ts-check

/**
 * The address of one kind of connection under the `live` prefix the host chose.
 *
 * @param {string} live
 * @param {string} path such as "ws/"
 * @param {{topics: Iterable<string>, cursor: string}} query
 * @param {string} base the page's own address
 */
export function liveUrl(live, path, { topics, cursor }, base) {
  const url = new URL(path, new URL(live, base));
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
