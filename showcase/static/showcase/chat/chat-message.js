// @ts-check
/**
 * A message in the stream and the history. A message without an `id` has not reached the server yet.
 *
 * @typedef {object} Message
 * @property {number} id 0 while it waits to be sent
 * @property {number} person id of its author
 * @property {string} name
 * @property {number} hue of the author's avatar
 * @property {string} body
 * @property {string[]} mentions usernames in lower case
 * @property {string} at ISO 8601
 * @property {string} client_id assigned by its sender
 *
 * @typedef {{person: number, name: string, hue: number}} Face
 * @typedef {{results: Message[], older: boolean, cursor: string}} HistoryPage
 */
export {};
