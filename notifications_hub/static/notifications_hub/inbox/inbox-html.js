// @ts-check
import { ApiError } from "../shared/api-error.js";
import { part } from "../shared/dom.js";
import { cardsIn } from "./inbox-cards.js";

/**
 * Fetch another page of the inbox, as the server renders it.
 *
 * @param {string} href
 * @param {AbortSignal} signal
 * @returns {Promise<{cards: HTMLElement[], older: HTMLElement | null, newer: HTMLElement | null, reached: string}>}
 *   its cards, its links to the pages below and above, and how far a search went
 * @throws {ApiError} with status 401 if the person must sign in again, 0 if the server cannot be reached
 */
export async function fetchInbox(href, signal) {
  const response = await reach(href, signal);
  // A person who must sign in again is redirected to another page.
  if (response.redirected) throw new ApiError(401, "");
  if (!response.ok) throw new ApiError(response.status, "");
  const page = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("inbox-page");
  if (!page) throw new ApiError(response.status, "");
  const reached = part(page, "reached")?.textContent?.trim() ?? "";
  const cards = cardsIn(page).map(adopted);
  return { cards, older: adopted(part(page, "older")), newer: adopted(part(page, "newer")), reached };
}

/**
 * @param {string} href
 * @param {AbortSignal} signal
 */
async function reach(href, signal) {
  try {
    return await fetch(new URL(href, document.baseURI), { headers: { Accept: "text/html" }, signal });
  } catch (error) {
    throw new ApiError(0, String(error));
  }
}

/**
 * @template {HTMLElement | null} T
 * @param {T} element
 * @returns {T}
 */
function adopted(element) {
  return element && document.adoptNode(element);
}
