// @ts-check
/** @typedef {{topics: Iterable<string>, cursor: string}} Query the topics, and the cursor to resume from; "" for now */

/**
 * Return the prefix of the live URLs for a page's person. If another person signs in later in the same browser, the
 * server refuses the old page's requests.
 *
 * @param {URL} prefix absolute; chosen by the host
 * @param {string} person "" if the page does not say
 */
export function liveFor(prefix, person) {
  const live = new URL(prefix);
  if (person) live.searchParams.set("person", person);
  return live;
}

/**
 * Return a live URL for the same person.
 *
 * @param {URL} live from `liveFor`
 * @param {string} path such as "ack/"
 */
export function liveAddress(live, path) {
  const url = new URL(path, live);
  url.search = live.search;
  return url;
}

/**
 * Return the URL of one kind of connection.
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
 * Return the same URL for a WebSocket: ws for http, wss for https.
 *
 * @param {URL} url
 */
export function socketUrl(url) {
  const socket = new URL(url);
  socket.protocol = url.protocol.replace("http", "ws");
  return socket;
}
