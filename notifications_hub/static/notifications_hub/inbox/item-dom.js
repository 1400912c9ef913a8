// @ts-check
/** @import { Item, ItemGroup } from "../protocol/wire.js" */
import { pageLanguage, part, setText } from "../shared/dom.js";
import { fillActions } from "./item-actions.js";
import { isUnconfirmed } from "./item-state.js";
import { avatarOf, badgeOf, linkOf, outsideOf, wordsOf } from "./item-view.js";

/**
 * Write an item into a copy of the template of a row or a toast.
 *
 * @param {HTMLElement} root
 * @param {Item} item
 */
export function fillItem(root, item) {
  const isGroup = item.group?.count !== undefined;
  const { title, body } = { ...wordsOf(item, pageLanguage()), ...(item.group?.title && wordsOfGroup(item.group)) };
  root.dataset.id = item.id;
  root.dataset.level = item.level;
  fillLevel(root, item.level);
  nameControls(root, title);
  setText(part(root, "title"), title);
  setText(part(root, "body"), body);
  part(root, "body").hidden = !body;
  root.toggleAttribute("data-unconfirmed", isUnconfirmed(item));
  for (const name of ["ask", "confirm"]) part(root, name).hidden = !isUnconfirmed(item);
  fillReason(part(root, "reason"), item);
  fillPicture(root, item);
  fillLink(part(root, "link"), item);
  fillGroup(part(root, "group"), item.group);
  // An action of a group would be about its newest alone.
  fillActions(root, isGroup ? {} : item);
}

/** @param {ItemGroup} group */
function wordsOfGroup({ title = "", body = "" }) {
  return { title, body };
}

/**
 * Say how many an item stands for, and link to them. A toast has no room for that.
 *
 * @param {HTMLElement | null} link
 * @param {ItemGroup} [group]
 */
function fillGroup(link, { key, count } = { key: "" }) {
  if (!link) return;
  const { words = "", page = "" } = link.dataset;
  link.hidden = count === undefined;
  setText(link, count === undefined ? "" : words.replace("{count}", badgeOf(count)));
  link.setAttribute("href", `${page}?group=${encodeURIComponent(key)}`);
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
 * Say why the person gets it, and offer to unfollow. A toast has no room for that.
 *
 * @param {HTMLElement | null} line
 * @param {Item} item
 */
function fillReason(line, { reason }) {
  if (!line) return;
  line.hidden = !reason;
  setText(part(line, "because"), reason?.words ?? "");
  part(line, "unfollow").hidden = !reason?.object || reason.unfollowed === true;
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
 * Show the actor's picture, or else the icon of the kind. If the picture does not load, the icon takes its place.
 *
 * @param {HTMLElement} root
 * @param {Item} item
 */
function fillPicture(root, item) {
  const disc = part(root, "icon");
  if (!disc) return;
  const address = avatarOf(item, document.baseURI);
  const there = disc.querySelector("img");
  if (there?.getAttribute("src") === address && !there.hidden) return;
  there?.remove();
  fillIcon(disc, item.icon, address !== "");
  if (!address) return;
  const picture = document.createElement("img");
  Object.assign(picture, { className: "nh-avatar", alt: "", referrerPolicy: "no-referrer" });
  picture.addEventListener("error", () => {
    picture.hidden = true;
    fillIcon(disc, item.icon, false);
  });
  picture.src = address;
  disc.append(picture);
}

/**
 * Replace the icon by a copy of the page's own, which has those of all kinds. Any other name becomes a bell.
 *
 * @param {HTMLElement} disc
 * @param {string} name
 * @param {boolean} hidden
 */
function fillIcon(disc, name, hidden) {
  const there = disc.querySelector("[data-icon]");
  if (there && there.getAttribute("data-icon") !== name) there.replaceWith(iconNamed(name) ?? there);
  disc.querySelector("[data-icon]")?.toggleAttribute("hidden", hidden);
}

/** @param {string} name */
function iconNamed(name) {
  const icons = /** @type {HTMLTemplateElement | null} */ (document.querySelector("template[data-part=icons]"));
  const found = [name, "bell"].map((one) => icons?.content.querySelector(`[data-icon="${CSS.escape(one)}"]`));
  const icon = found.find(Boolean);
  return icon && document.importNode(icon, true);
}

/**
 * Link to the item's page. A link to another site says where it leads; without room for that it leads to a page of ours.
 *
 * @param {HTMLElement} link
 * @param {Item} item
 */
export function fillLink(link, item) {
  const words = link.querySelector("[data-part=leads-to]");
  const outside = words instanceof HTMLElement ? outsideOf(item) : null;
  setAttribute(link, "href", outside?.href || linkOf(item, document.baseURI));
  setAttribute(link, "target", outside ? "_blank" : "");
  setAttribute(link, "rel", outside ? "noopener noreferrer" : "");
  setAttribute(link, "data-records", outside ? linkOf(item, document.baseURI) : "");
  if (!(words instanceof HTMLElement)) return;
  words.hidden = !outside;
  setText(words, outside ? (words.dataset.words ?? "{host}").replace("{host}", () => outside.host) : "");
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string} value "" to remove it
 */
function setAttribute(element, name, value) {
  if (value) element.setAttribute(name, value);
  else element.removeAttribute(name);
}
