// @ts-check
import { part } from "../shared/dom.js";

/** Finds a kind on a long page: by its words, or by the link that led here. */
export class KindFinder {
  #root;
  /** Whether each group was open before the search. @type {Map<HTMLDetailsElement, boolean>} */
  #before = new Map();

  /** @param {Element} root */
  constructor(root) {
    this.#root = root;
  }

  /**
   * Show the kinds whose name or description contains the text, and open their groups. Without a text show everything.
   *
   * @param {string} text
   */
  find(text) {
    const wanted = text.trim().toLocaleLowerCase();
    let found = 0;
    for (const row of this.#rows()) {
      const words = row.querySelector("th")?.textContent ?? "";
      row.hidden = !words.toLocaleLowerCase().includes(wanted);
      if (!row.hidden) found += 1;
    }
    for (const group of this.#groups()) this.#showGroup(group, wanted !== "");
    part(this.#root, "not-found").hidden = found > 0;
  }

  /** Open the group of the kind that the address names, and show its row clear of what sticks to the top. */
  reveal() {
    const row = document.getElementById(nameIn(location.hash));
    if (!row || !this.#root.contains(row)) return;
    const group = row.closest("details");
    if (group) group.open = true;
    row.scrollIntoView({ block: "center" });
  }

  /**
   * @param {HTMLDetailsElement} group
   * @param {boolean} isSearch
   */
  #showGroup(group, isSearch) {
    if (!this.#before.has(group)) this.#before.set(group, group.open);
    const rows = [.../** @type {NodeListOf<HTMLElement>} */ (group.querySelectorAll("[data-row]"))];
    group.hidden = rows.every(({ hidden }) => hidden);
    group.open = isSearch || (this.#before.get(group) ?? true);
    if (!isSearch) this.#before.delete(group);
  }

  #rows() {
    return /** @type {NodeListOf<HTMLElement>} */ (this.#root.querySelectorAll("[data-row]"));
  }

  #groups() {
    return this.#root.querySelectorAll("details");
  }
}

/** @param {string} hash */
function nameIn(hash) {
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return "";
  }
}
