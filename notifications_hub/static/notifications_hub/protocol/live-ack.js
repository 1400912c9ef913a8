// @ts-check
import { liveAddress } from "./live-url.js";

const AGAIN_AFTER = 2_000;

/**
 * Acknowledges by a request of its own, for connections that only listen. It outlives the page and is tried twice:
 * one that is lost costs the person a second telling, nothing else.
 *
 * @param {URL} live from `liveFor`
 * @param {string} cursor
 */
export async function postAck(live, cursor) {
  if (!(await arrives(live, cursor))) setTimeout(() => arrives(live, cursor), AGAIN_AFTER);
}

/**
 * @param {URL} live
 * @param {string} cursor
 */
async function arrives(live, cursor) {
  const body = JSON.stringify({ cursor, visible: true });
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", body, headers, keepalive: true, credentials: /** @type {const} */ ("include") };
  const response = await fetch(liveAddress(live, "ack/"), request).catch(() => null);
  // What was refused would be refused again.
  return response !== null && response.status < 500;
}
