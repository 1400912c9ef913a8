// @ts-check
import { liveAddress } from "./live-url.js";

const RETRY_AFTER = 2_000;

/**
 * Acknowledge by a separate request, for connections that cannot send. The request outlives the page and is tried
 * twice. A lost acknowledgement only means that the person may be notified twice.
 *
 * @param {URL} live from `liveFor`
 * @param {string} cursor
 */
export async function postAck(live, cursor) {
  if (!(await succeeds(live, cursor))) setTimeout(() => succeeds(live, cursor), RETRY_AFTER);
}

/**
 * @param {URL} live
 * @param {string} cursor
 */
async function succeeds(live, cursor) {
  const body = JSON.stringify({ cursor, visible: true });
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", body, headers, keepalive: true, credentials: /** @type {const} */ ("include") };
  const response = await fetch(liveAddress(live, "ack/"), request).catch(() => null);
  // A refused request would be refused again.
  return response !== null && response.status < 500;
}
