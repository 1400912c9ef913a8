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
 * What a refusal over HTTP is in the codes of the protocol. The hub says why in `detail`; a proxy's own 403 or 503
 * does not, and says nothing about this person.
 *
 * @param {Response} response
 */
export async function refusalOf(response) {
  const answer = await response.json().catch(() => null);
  if (typeof answer?.detail !== "string") return { code: CloseCode.BROKEN, reason: "" };
  return { code: CODES[response.status] ?? CloseCode.BROKEN, reason: answer.detail };
}
