// @ts-check
/** @import { RowItem } from "./row-item.js" */
import { pageLanguage, setText } from "../shared/dom.js";
import { relativeTime } from "../shared/relative-time.js";
import { attributeOf } from "./row-attribute.js";
import { holds, textOf } from "./row-item.js";

const PREFIX = "data-attr-";

/**
 * Write a row's fields into its element, changing only the differences. Text that people wrote never becomes markup.
 *
 * `data-field` sets the text, or a control's value, to a field. `data-attr-href="/notes/{id}/"` fills an attribute.
 * `data-show="edited"` hides the element unless the condition holds.
 *
 * @param {HTMLElement} row
 * @param {RowItem} item
 */
export function fillRow(row, item) {
  for (const element of [row, .../** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll("*"))]) {
    const { field, show } = element.dataset;
    if (field !== undefined) fillField(element, textOf(item, field));
    if (show !== undefined) element.hidden = !holds(show, item);
    for (const name of element.getAttributeNames()) {
      if (name.startsWith(PREFIX)) fillAttribute(element, name.slice(PREFIX.length), item);
    }
  }
}

/**
 * Update the relative times, which age while the page is open.
 *
 * @param {ParentNode} rows
 */
export function refreshTimes(rows) {
  const times = /** @type {NodeListOf<HTMLTimeElement>} */ (rows.querySelectorAll("time[data-ages]"));
  for (const time of times) setText(time, ago(time.dateTime));
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function fillField(element, text) {
  if (element instanceof HTMLTimeElement) return fillTime(element, text);
  if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) return fillControl(element, text);
  setText(element, text);
}

/**
 * Set the time. The server's text for the same moment stays.
 *
 * @param {HTMLTimeElement} time
 * @param {string} text
 */
function fillTime(time, text) {
  if (Date.parse(time.dateTime) === Date.parse(text)) return;
  time.dateTime = text;
  time.toggleAttribute("data-ages", text !== "");
  setText(time, text && ago(text));
}

/**
 * Set a control's value unless the person is editing it or has edited it.
 *
 * @param {HTMLInputElement | HTMLTextAreaElement} control
 * @param {string} text
 */
function fillControl(control, text) {
  const untouched = control !== document.activeElement && control.value === control.defaultValue;
  if (!untouched || control.value === text) return;
  control.defaultValue = text;
  control.value = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {RowItem} item
 */
function fillAttribute(element, name, item) {
  const value = attributeOf(name, element.getAttribute(PREFIX + name) ?? "", item, document.baseURI);
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @param {string} moment */
function ago(moment) {
  return relativeTime(Date.parse(moment), Date.now(), pageLanguage());
}
