// @ts-check

/** @typedef {{fetch: typeof globalThis.fetch, WebSocket: typeof globalThis.WebSocket}} Network what connections go over */

/** @returns {Network} the browser's own */
export function browserNetwork() {
  return { fetch: globalThis.fetch.bind(globalThis), WebSocket: globalThis.WebSocket };
}
