// @ts-check
/**
 * A row in an event: its key and the declared fields.
 *
 * @typedef {Record<string, unknown> & {id: string}} RowItem
 */

/**
 * Return a field as text; "" if it is missing.
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
 * Return whether the condition of a `data-show` holds: `edited`, `!edited` or `author_id=5`.
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
