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
  nameControls(root, title);
  setText(part(root, "title"), title);
  setText(part(root, "body"), body);
  part(root, "body").hidden = !body;
  fillIcon(root, iconOf(item));
  fillLink(part(root, "link"), linkOf(item, document.baseURI));
}

/**
 * Return what a screen reader says of a filled row or toast: "Error: Import failed. Line 9 has no date."
 *
 * @param {HTMLElement} root
 */
export function spokenOf(root) {
  const [level = "", title = "", body = ""] = ["level", "title", "body"].map((name) => part(root, name)?.textContent);
  return [level, body ? sentence(title) : title, body].filter(Boolean).join(" ");
}

/**
 * End the text with a stop, at which speech pauses.
 *
 * @param {string} text
 */
function sentence(text) {
  if (/\p{P}$/u.test(text)) return text;
  return text + (/\p{sc=Han}$/u.test(text) ? "。" : ".");
}

/**
 * Give controls that every row repeats a name of their own: "Dismiss: New reply".
 *
 * @param {HTMLElement} root
 * @param {string} title
 */
function nameControls(root, title) {
  for (const control of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-name]"))) {
    control.setAttribute(
      "aria-label",
      (control.dataset.name ?? "").replace("{title}", () => title),
    );
  }
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
