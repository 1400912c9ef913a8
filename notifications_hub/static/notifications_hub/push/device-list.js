// @ts-check
import { part } from "../shared/dom.js";

/**
 * Refresh the list of browsers beside the switch from the server, and the notes that there are none. Do nothing on a page
 * without the list.
 *
 * @param {string | undefined} here the id of this browser
 * @param {{changed: boolean}} how whether the subscription changed
 */
export async function refreshDevices(here, { changed }) {
  const list = part(document.body, "devices");
  if (!list) return;
  if (!changed && mark(list, here)) return;
  const response = await fetch(location.href, { credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = part(page.body, "devices");
  // A signed-out person gets another page.
  if (!fresh) return;
  list.replaceChildren(...fresh.childNodes);
  const idle = part(page.body, "push-idle")?.hidden ?? true;
  for (const note of notes()) note.hidden = idle;
  mark(list, here);
}

/** @returns {NodeListOf<HTMLElement>} what tells that the switches have no effect yet */
function notes() {
  return document.querySelectorAll("[data-part=push-idle]");
}

/**
 * Mark this browser in the list. Return whether the list is right about it.
 *
 * @param {Element} list
 * @param {string | undefined} here
 */
function mark(list, here) {
  const rows = [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("[data-device]"))];
  for (const row of rows) part(row, "here").hidden = row.dataset.device !== here;
  return here === undefined || rows.some((row) => row.dataset.device === here);
}
