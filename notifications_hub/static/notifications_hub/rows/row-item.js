// @ts-check
/**
 * What an event says of a row: its key, and the fields that were declared.
 *
 * @typedef {Record<string, unknown> & {id: string}} RowItem
 */

/**
 * A field as text; nothing for what is not there.
 *
 * @param {RowItem} item
 * @param {string} name
 */
export function textOf(item, name) {
  const value = Object.hasOwn(item, name) ? item[name] : null;
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * Whether what a `data-show` asks for is so: `edited`, `!edited` or `author_id=5`.
 *
 * @param {string} condition
 * @param {RowItem} item
 * @returns {boolean}
 */
export function holds(condition, item) {
  if (condition.startsWith("!")) return !holds(condition.slice(1), item);
  const [name = "", ...wanted] = condition.split("=");
  if (wanted.length > 0) return textOf(item, name) === wanted.join("=");
  return Object.hasOwn(item, name) && Boolean(item[name]);
}
