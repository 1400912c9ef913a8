// @ts-check
import { CloseCode } from "./close-code.js";

/** @type {Record<number, number | undefined>} */
const CODES = {
  400: CloseCode.BAD_FRAME,
  401: CloseCode.SESSION_OVER,
  403: CloseCode.TOPIC_REFUSED,
  429: CloseCode.TOO_MANY,
  503: CloseCode.RESTART,
};

/**
 * Translate a refusal over HTTP into the protocol's close code. The hub gives the reason in `detail`. A proxy's own
 * 403 or 503 has no `detail` and does not concern this person.
 *
 * @param {Response} response
 */
export async function refusalOf(response) {
  const answer = await response.json().catch(() => null);
  if (typeof answer?.detail !== "string") return { code: CloseCode.BROKEN, reason: "" };
  return { code: CODES[response.status] ?? CloseCode.BROKEN, reason: answer.detail };
}
