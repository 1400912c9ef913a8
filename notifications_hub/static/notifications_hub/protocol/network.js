// @ts-check

/** @typedef {{fetch: typeof globalThis.fetch, WebSocket: typeof globalThis.WebSocket}} Network used by connections */

/** @returns {Network} the browser's own functions */
export function browserNetwork() {
  return { fetch: globalThis.fetch.bind(globalThis), WebSocket: globalThis.WebSocket };
}
