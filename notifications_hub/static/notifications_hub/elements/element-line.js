// @ts-check
/**
 * @import { Line } from "../client/hub-client.js"
 * @import { PageWatch } from "../client/page-watch.js"
 * @import { Query } from "../protocol/live-url.js"
 */
import { liveLine } from "../tabs/open-line.js";

/**
 * Return the line of an element, from its attributes `live` and `person`.
 *
 * @param {Element} element
 * @param {object} options
 * @param {PageWatch} options.page
 * @param {() => Query} options.query
 * @param {boolean} options.toasts whether the element passes new items to the toast stack
 * @returns {Line}
 */
export function elementLine(element, { page, query, toasts }) {
  const live = new URL(element.getAttribute("live") ?? "", document.baseURI);
  const person = element.getAttribute("person") ?? "";
  const unshown = () => /** @type {any} */ (document.querySelector("toast-stack"))?.waiting ?? [];
  return liveLine({ live, person, page, query, unshown, toasts });
}
