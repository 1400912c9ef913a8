// @ts-check
/**
 * A message as the stream and the history give it. One without an `id` has not reached the server yet.
 *
 * @typedef {object} Message
 * @property {number} id 0 while it waits to be sent
 * @property {number} person who wrote it
 * @property {string} name
 * @property {number} hue of the disc with the initial
 * @property {string} body
 * @property {string[]} mentions usernames in lower case
 * @property {string} at ISO 8601
 * @property {string} client_id its sender's own name for it
 *
 * @typedef {{person: number, name: string, hue: number}} Face
 * @typedef {{results: Message[], older: boolean, cursor: string}} HistoryPage
 */
export {};
