// @ts-check
/**
 * @import { Item } from "../protocol/wire.js"
 * @import { QuietTimes } from "../shared/quiet-times.js"
 */
import { badgeOf } from "../inbox/item-view.js";
import { choiceOf, onChoice } from "../shared/browser-choices.js";
import { FaviconCount } from "./favicon-count.js";
import { prepareSound, sound } from "./sound.js";
import { TitleCount } from "./title-count.js";

/** They belong to the page: bells come and go as scripts swap its body. @type {TitleCount | undefined} */
let title;
/** @type {FaviconCount | undefined} */
let favicon;

/**
 * What a bell does to be noticed from another tab: a count in the page's title and on its icon, and a sound. Each is off
 * unless the site wants it, by an attribute of the bell, or the person, in this browser's choices.
 */
export class Attention {
  #bell;
  #badge;
  #unread = 0;

  /**
   * @param {HTMLElement} bell
   * @param {Element} badge has the colours of the count
   * @param {AbortSignal} signal
   */
  constructor(bell, badge, signal) {
    this.#bell = bell;
    this.#badge = badge;
    prepareSound(() => this.#wants("sound"), signal);
    onChoice(() => this.count(this.#unread), signal);
    signal.addEventListener("abort", () => this.#leave(), { once: true });
  }

  /** @param {number} unread */
  count(unread) {
    this.#unread = unread;
    this.#inTitle(this.#wants("title-count") && unread > 0 ? badgeOf(unread) : "");
    this.#onIcon(this.#wants("favicon-count") && unread > 0 ? shortOf(unread) : "");
  }

  /**
   * Sound for new items, unless the person has quiet hours now. What is critical sounds in any case.
   *
   * @param {Item[]} items
   * @param {QuietTimes} quiet
   */
  sound(items, quiet) {
    const isQuiet = quiet.endAt(Date.now()) > 0;
    if (this.#wants("sound") && items.some((item) => !isQuiet || item.critical === true)) sound();
  }

  /** @param {"title-count" | "favicon-count" | "sound"} name */
  #wants(name) {
    return choiceOf(name, this.#bell.hasAttribute(name));
  }

  /** @param {string} count */
  #inTitle(count) {
    if (count) title ??= new TitleCount();
    title?.show(count);
  }

  /** @param {string} count */
  #onIcon(count) {
    if (count && !this.#bell.hasAttribute("no-data-images")) favicon ??= new FaviconCount();
    if (!favicon) return;
    const { backgroundColor, color } = getComputedStyle(this.#badge);
    favicon.show(count, { ground: backgroundColor, text: color });
  }

  /** Restore title and icon, unless another bell has taken over. */
  #leave() {
    if (document.querySelector("notification-bell")) return;
    title?.show("");
    favicon?.show("", { ground: "", text: "" });
  }
}

/**
 * Return what an icon has room for.
 *
 * @param {number} unread
 */
function shortOf(unread) {
  return unread > 9 ? "9+" : String(unread);
}
