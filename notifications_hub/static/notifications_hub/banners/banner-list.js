// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { fillLink } from "../inbox/item-dom.js";
import { wordsOf } from "../inbox/item-view.js";
import { copyOf, pageLanguage, part, setText } from "../shared/dom.js";

const LEVELS = ["success", "info", "warning", "error"];

/** The banners in the page. The server rendered the first ones, and the others are copies of its template. */
export class BannerList {
  #host;
  #section;

  /** @param {HTMLElement} host the `<announcement-banners>` */
  constructor(host) {
    this.#host = host;
    this.#section = part(host, "list");
  }

  /** The ids of the banners, first one first. */
  get ids() {
    return this.#nodes.map(({ dataset }) => dataset.id ?? "");
  }

  /** @param {string} id */
  node(id) {
    return this.#nodes.find(({ dataset }) => dataset.id === id);
  }

  /**
   * Return whether the page shows the banner without a button that dismisses it.
   *
   * @param {string} id
   */
  isLasting(id) {
    const node = this.node(id);
    return node !== undefined && !closeOf(node)?.closest("form:not([hidden])");
  }

  /**
   * Show exactly these banners, in this order. Return those that are new.
   *
   * @param {[id: string, item: Item | null][]} wanted without an item: as the server rendered it
   */
  show(wanted) {
    const ids = new Set(wanted.map(([id]) => id));
    for (const node of this.#nodes) {
      if (!ids.has(node.dataset.id ?? "")) node.remove();
    }
    /** @type {Item[]} */
    const fresh = [];
    wanted.forEach(([id, item], index) => {
      const known = this.node(id);
      const node = known && hasForm(known, item) ? known : this.#made(id);
      if (item) fill(node, item);
      if (item && !known) fresh.push(item);
      if (known && known !== node) known.replaceWith(node);
      const next = this.#section.children[index] ?? null;
      if (next !== node) this.#section.insertBefore(node, next);
    });
    this.#section.hidden = wanted.length === 0;
    return fresh;
  }

  /**
   * Focus the button of the banner that follows, else of the one before, else the place where the banners were.
   *
   * @param {string} id of a banner that is about to go
   */
  moveFocus(id) {
    const nodes = this.#nodes;
    const index = nodes.findIndex(({ dataset }) => dataset.id === id);
    const others = [...nodes.slice(index + 1), ...nodes.slice(0, Math.max(0, index)).reverse()];
    const button = others.map((node) => closeOf(node)).find((found) => found && !found.closest("[hidden]"));
    (button ?? this.#host).focus();
  }

  /**
   * Put a removed banner back. `show` gives it its place.
   *
   * @param {HTMLElement} node
   */
  putBack(node) {
    this.#section.prepend(node);
  }

  /**
   * Say that a banner could not be dismissed.
   *
   * @param {string} id
   */
  reportTrouble(id) {
    const node = this.node(id);
    if (!node) return;
    part(node, "trouble").hidden = false;
    closeOf(node)?.focus();
  }

  /** @returns {HTMLElement[]} */
  get #nodes() {
    return /** @type {HTMLElement[]} */ ([...this.#section.children]);
  }

  /** @param {string} id */
  #made(id) {
    const node = copyOf(this.#host, "banner");
    node.dataset.id = id;
    node.dataset.new = "";
    /** @type {HTMLInputElement} */ (node.querySelector("input[name=id]")).value = id;
    return node;
  }
}

/**
 * Return whether the banner has the form that it needs. The server renders none if people cannot dismiss the banner.
 *
 * @param {HTMLElement} node
 * @param {Item | null} item
 */
function hasForm(node, item) {
  return !item?.banner?.dismissable || closeOf(node) !== null;
}

/**
 * Return the words of a banner for screen readers.
 *
 * @param {HTMLElement} node
 */
export function spoken(node) {
  const words = ["level", "title", "text"].map((name) => part(node, name).textContent?.trim());
  return words.filter(Boolean).join(" ");
}

/**
 * @param {HTMLElement} node
 * @param {Item} item
 */
function fill(node, item) {
  const { title, body } = wordsOf(item, pageLanguage());
  const level = LEVELS.includes(item.level) ? item.level : "info";
  node.dataset.level = level;
  setText(part(node, "level"), part(node, "level").getAttribute(`data-${level}`) ?? "");
  setText(part(node, "title"), title);
  setText(part(node, "text"), body);
  part(node, "text").hidden = body === "";
  const link = part(node, "link");
  fillLink(link, item);
  link.hidden = !link.hasAttribute("href");
  setText(part(link, "link-title"), `: ${title}`);
  fillForm(node, item, title);
}

/**
 * @param {HTMLElement} node
 * @param {Item} item
 * @param {string} title
 */
function fillForm(node, item, title) {
  const form = part(node, "dismiss");
  if (form) form.hidden = !item.banner?.dismissable;
  const name = (closeOf(node)?.dataset.name ?? "").replace("{title}", () => title);
  closeOf(node)?.setAttribute("aria-label", name);
}

/** @param {HTMLElement} node */
function closeOf(node) {
  return /** @type {HTMLElement | null} */ (node.querySelector("[data-part=close]"));
}
