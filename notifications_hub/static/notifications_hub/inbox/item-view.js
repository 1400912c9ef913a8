// @ts-check
/** @import { Item } from "../protocol/wire.js" */

const ICONS = ["bell", "reply", "comment", "heart", "megaphone", "check", "warning", "error", "user", "task"];
const JOB_ENDS = ["task.done", "task.failed"];

/**
 * The title and body in the page's language: an announcement's event went to everyone and carries them all.
 *
 * @param {Item} item
 * @param {string} language as in `<html lang>`
 */
export function wordsOf({ title, body, translations = {} }, language) {
  const tag = language.toLowerCase();
  const known = Object.keys(translations).find((name) => name.toLowerCase() === tag);
  const near = Object.keys(translations).find((name) => tag.split("-")[0] === name.toLowerCase());
  return translations[known ?? near ?? ""] ?? { title, body };
}

/** @param {Item} item */
export function iconOf({ icon }) {
  return ICONS.includes(icon) ? icon : "bell";
}

/**
 * Where an item leads, or "" when that is not a page of this site. The server refuses such urls too; a link is worth
 * two looks.
 *
 * @param {{url: string}} item
 * @param {string} base the page's own address
 */
export function linkOf({ url }, base) {
  if (!url || !URL.canParse(url, base)) return "";
  return new URL(url, base).origin === new URL(base).origin ? url : "";
}

/**
 * The job whose end an item tells, "" where it tells of something else.
 *
 * @param {Item} item
 * @returns {string}
 */
export function jobOf({ kind, data }) {
  return JOB_ENDS.includes(kind) ? (data?.job ?? "") : "";
}

/**
 * @param {number} count
 */
export function badgeOf(count) {
  return count > 99 ? "99+" : String(count);
}
