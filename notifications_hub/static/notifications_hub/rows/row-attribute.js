// @ts-check
/** @import { RowItem } from "./row-item.js" */
import { textOf } from "./row-item.js";

const PLAIN = new Set(["alt", "datetime", "for", "id", "title", "value"]);
/** Where a link may lead anywhere on the web, but what is loaded or sent stays on this site. */
const ADDRESSES = new Set(["href", "src", "action", "formaction"]);
/** By these the list itself tells its rows and their parts. */
const OWN = /^data-(key|field|show|part|sort|new|changed|attr-.*)$/;
const FIELD = /\{(\w+)\}/g;

/**
 * What an attribute is to be: its pattern, such as `/notes/{id}/`, filled from a row. null where it is to be left out,
 * as what people write must not become a script or send a form elsewhere.
 *
 * @param {string} name
 * @param {string} pattern
 * @param {RowItem} item
 * @param {string} base the page's own address
 */
export function attributeOf(name, pattern, item, base) {
  if (!mayBeFilled(name)) return null;
  if (!ADDRESSES.has(name)) return pattern.replace(FIELD, (_, field) => textOf(item, field));
  // A field that is an address as a whole is taken as it is, any other is one part of it.
  const whole = /^\{(\w+)\}/.exec(pattern)?.[1];
  const rest = whole ? pattern.slice(whole.length + 2) : pattern;
  const filled = rest.replace(FIELD, (_, field) => encodeURIComponent(textOf(item, field)));
  return safeAddress(name, (whole ? textOf(item, whole) : "") + filled, base);
}

/** @param {string} name */
export function mayBeFilled(name) {
  if (PLAIN.has(name) || ADDRESSES.has(name) || name.startsWith("aria-")) return true;
  return name.startsWith("data-") && !OWN.test(name);
}

/**
 * @param {string} name
 * @param {string} address
 * @param {string} base
 */
function safeAddress(name, address, base) {
  if (address === "" || !URL.canParse(address, base)) return null;
  const url = new URL(address, base);
  const allowed = name === "href" ? ["http:", "https:"].includes(url.protocol) : url.origin === new URL(base).origin;
  return allowed ? address : null;
}
