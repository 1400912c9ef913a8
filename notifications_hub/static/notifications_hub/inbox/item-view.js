// @ts-check
/** @import { Item } from "../protocol/wire.js" */

const JOB_ENDS = ["task.done", "task.failed"];

/**
 * Return the title and body in the page's language. An announcement's event goes to everyone, so it carries all
 * languages.
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

/**
 * Return the address of the actor's picture, or "". The server refuses other addresses too; they are checked twice.
 *
 * @param {Item} item
 * @param {string} base the page's own address
 */
export function avatarOf({ avatar }, base) {
  if (typeof avatar !== "string" || !avatar || !URL.canParse(avatar, base)) return "";
  const { protocol, origin } = new URL(avatar, base);
  return protocol === "https:" || origin === new URL(base).origin ? avatar : "";
}

/**
 * Return the item's URL, or "" if it is not on this site. The server refuses such URLs too; links are checked twice.
 *
 * @param {{url: string}} item
 * @param {string} base the page's own address
 */
export function linkOf({ url }, base) {
  if (!url || !URL.canParse(url, base)) return "";
  return new URL(url, base).origin === new URL(base).origin ? url : "";
}

/**
 * Return the page of another site that an announcement leads to, or null. The server refuses any other such link too.
 *
 * @param {Item} item
 * @returns {{href: string, host: string} | null}
 */
export function outsideOf({ kind, leads_to: link }) {
  if (kind !== "announcement" || typeof link !== "string" || !link.startsWith("https://") || !URL.canParse(link)) {
    return null;
  }
  const { href, host, username, password } = new URL(link);
  return username || password ? null : { href, host };
}

/**
 * Return the id of the job that the item reports the end of, or "" for any other item.
 *
 * @param {Item} item
 * @returns {string}
 */
export function jobOf({ kind, data }) {
  return JOB_ENDS.includes(kind) ? (data?.job ?? "") : "";
}

/** @param {number} count */
export function badgeOf(count) {
  return count > 99 ? "99+" : String(count);
}
