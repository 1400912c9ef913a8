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
  setText(part(root, "title"), title);
  setText(part(root, "body"), body);
  part(root, "body").hidden = !body;
  fillIcon(root, iconOf(item));
  fillLink(part(root, "link"), linkOf(item, document.baseURI));
}

/**
 * Replace the icon by a copy of the page's own. An icon that the page lacks leaves the one there.
 *
 * @param {HTMLElement} root
 * @param {string} name
 */
function fillIcon(root, name) {
  const there = root.querySelector("[data-part=icon] [data-icon]");
  if (!there || there.getAttribute("data-icon") === name) return;
  const icons = /** @type {HTMLTemplateElement | null} */ (document.querySelector("template[data-part=icons]"));
  const icon = icons?.content.querySelector(`[data-icon="${CSS.escape(name)}"]`);
  if (icon) there.replaceWith(document.importNode(icon, true));
}

/**
 * @param {HTMLElement} link
 * @param {string} url
 */
function fillLink(link, url) {
  if (url) link.setAttribute("href", url);
  else link.removeAttribute("href");
}
