// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { announce } from "../shared/announcer.js";
import { pageLanguage } from "../shared/dom.js";
import { wordsOf } from "./item-view.js";

/** Milliseconds within which new items are announced as one. */
const JOINED_WITHIN = 800;

/** Announces items that appear in the open panel: one by its title, several by their number. */
export class NewsAnnouncer {
  #words;
  /** @type {Item[]} */
  #items = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {DOMStringMap} words `newsOne` and `newsMany` */
  constructor(words) {
    this.#words = words;
  }

  /** @param {Item[]} items */
  add(items) {
    this.#items.push(...items);
    this.#timer ??= setTimeout(() => this.#announce(), JOINED_WITHIN);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#items = [];
  }

  #announce() {
    const [first, ...others] = this.#items;
    const { newsOne = "", newsMany = "" } = this.#words;
    this.clear();
    if (!first) return;
    if (others.length > 0) announce(newsMany.replace("{count}", String(others.length + 1)));
    else announce(newsOne.replace("{title}", () => wordsOf(first, pageLanguage()).title));
  }
}
