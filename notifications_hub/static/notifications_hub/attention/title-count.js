// @ts-check

/**
 * The count in front of the page's title, as in "(3) Orders". It follows the title: the site may change it, and htmx and
 * Turbo bring another.
 */
export class TitleCount {
  #count = "";
  /** What this page wrote in front of a title: a page from Turbo's cache may bring one back. @type {Set<string>} */
  #written = new Set();
  #observer = new MutationObserver(() => this.#write());

  /** @param {string} count "" to restore the title */
  show(count) {
    if (count === this.#count) return;
    this.#count = count;
    if (count) this.#observer.observe(document.head, { childList: true, characterData: true, subtree: true });
    else this.#observer.disconnect();
    this.#write();
  }

  #write() {
    const prefix = this.#count && `(${this.#count}) `;
    if (prefix) this.#written.add(prefix);
    const title = prefix + withoutCount(document.title, this.#written);
    if (title !== document.title) document.title = title;
  }
}

/**
 * @param {string} title
 * @param {Iterable<string>} written the prefixes to remove
 */
export function withoutCount(title, written) {
  const prefix = [...written].find((one) => title.startsWith(one)) ?? "";
  return title.slice(prefix.length);
}
