// @ts-check
/** @import { RowItem } from "./row-item.js" */
import { textOf } from "./row-item.js";

const PLAIN = new Set(["alt", "datetime", "for", "id", "title", "value"]);
/** URL attributes. A link may lead anywhere on the web, but the others must stay on this site. */
const URL_ATTRIBUTES = new Set(["href", "src", "action", "formaction"]);
/** The list's own attributes, which mark its rows and their parts. */
const OWN = /^data-(key|field|show|part|sort|new|changed|attr-.*)$/;
const FIELD = /\{(\w+)\}/g;

/**
 * Fill an attribute's pattern, such as `/notes/{id}/`, from a row. Return null to leave the attribute out: text that
 * people write must not become a script or send a form elsewhere.
 *
 * @param {string} name
 * @param {string} pattern
 * @param {RowItem} item
 * @param {string} base the page's own URL
 */
export function attributeOf(name, pattern, item, base) {
  if (!mayBeFilled(name)) return null;
  if (!URL_ATTRIBUTES.has(name)) return pattern.replace(FIELD, (_, field) => textOf(item, field));
  // A leading field may be a whole URL, so it is not encoded; any other field is one part of a URL.
  const whole = /^\{(\w+)\}/.exec(pattern)?.[1];
  const rest = whole ? pattern.slice(whole.length + 2) : pattern;
  const filled = rest.replace(FIELD, (_, field) => encodeURIComponent(textOf(item, field)));
  return safeUrl(name, (whole ? textOf(item, whole) : "") + filled, base);
}

/** @param {string} name */
export function mayBeFilled(name) {
  if (PLAIN.has(name) || URL_ATTRIBUTES.has(name) || name.startsWith("aria-")) return true;
  return name.startsWith("data-") && !OWN.test(name);
}

/**
 * @param {string} name
 * @param {string} address
 * @param {string} base
 */
function safeUrl(name, address, base) {
  if (address === "" || !URL.canParse(address, base)) return null;
  const url = new URL(address, base);
  const allowed = name === "href" ? ["http:", "https:"].includes(url.protocol) : url.origin === new URL(base).origin;
  return allowed ? address : null;
}
