// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { pageLanguage, part, setText } from "../shared/dom.js";
import { iconOf, linkOf, wordsOf } from "./item-view.js";

/**
 * Write an item into a copy of the template of a row or a toast.
 *
 * @param {HTMLElement} root
 * @param {Item} item
 */
export function fillItem(root, item) {
  const { title, body } = wordsOf(item, pageLanguage());
  root.dataset.id = item.id;
  root.dataset.level = item.level;
  fillLevel(root, item.level);
  setText(part(root, "title"), title);
  setText(part(root, "body"), body);
  part(root, "body").hidden = !body;
  fillIcon(root, iconOf(item));
  fillLink(part(root, "link"), linkOf(item, document.baseURI));
}

/**
 * Return the level as a word ("Error:"), or "" for a level that needs none.
 *
 * @param {HTMLElement} root
 */
export function levelWordOf(root) {
  return part(root, "level")?.textContent ?? "";
}

/**
 * @param {HTMLElement} root
 * @param {string} level
 */
function fillLevel(root, level) {
  const word = root.querySelector("[data-part=level]");
  if (word instanceof HTMLElement) setText(word, word.dataset[level] ?? "");
}

/**
 * @param {HTMLElement} root
 * @param {string} icon
 */
function fillIcon(root, icon) {
  const use = root.querySelector("[data-part=icon] use");
  const [sprite] = (use?.getAttribute("href") ?? "").split("#");
  use?.setAttribute("href", `${sprite}#${icon}`);
}

/**
 * @param {HTMLElement} link
 * @param {string} url
 */
function fillLink(link, url) {
  if (url) link.setAttribute("href", url);
  else link.removeAttribute("href");
}
