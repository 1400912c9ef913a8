// @ts-check
import { NotificationBellElement } from "../elements/notification-bell-element.js";
import { NotificationsApi } from "../inbox/notifications-api.js";
import { backoff } from "../protocol/backoff.js";
import { ApiError } from "../shared/api-error.js";
import { languageOf } from "../shared/dom.js";

const OWN = "template[data-part=bell]";

/**
 * `<notification-bell api="/api/v1/">` on a page that no template of the site rendered. It asks the API for what the
 * template tag writes: addresses, words in the page's language, and the markup. Then it is the same bell.
 *
 * While nobody is signed in it shows nothing.
 */
export class BareBellElement extends NotificationBellElement {
  #life = new AbortController();

  /** @override */
  connectedCallback() {
    if (this.querySelector(OWN)) return super.connectedCallback();
    this.#life = new AbortController();
    this.#ask(this.#life.signal, 0);
  }

  /** @override */
  disconnectedCallback() {
    this.#life.abort();
    super.disconnectedCallback();
  }

  /**
   * @param {AbortSignal} signal
   * @param {number} tries
   */
  async #ask(signal, tries) {
    const base = new URL(this.getAttribute("api") ?? "", document.baseURI);
    try {
      const bell = await new NotificationsApi({ base, signal }).bell({ html: true, lang: languageOf(this) });
      if (signal.aborted) return;
      this.#fill(parsed(bell.html ?? "", base), base);
      super.connectedCallback();
    } catch (error) {
      const isOver = signal.aborted || (error instanceof ApiError && error.signedOut);
      if (!isOver) setTimeout(() => signal.aborted || this.#ask(signal, tries + 1), backoff(tries));
    }
  }

  /**
   * @param {Document} page
   * @param {URL} base
   */
  #fill(page, base) {
    const bell = page.querySelector("notification-bell");
    if (!bell) return;
    for (const { name, value } of bell.attributes) if (!this.hasAttribute(name)) this.setAttribute(name, value);
    this.classList.add(...bell.classList);
    this.setAttribute("live", new URL(this.getAttribute("live") ?? "", base).href);
    this.replaceChildren(...[...bell.childNodes].map((node) => document.adoptNode(node)));
    for (const selector of ["toast-stack", "[data-announcer]"]) {
      const part = page.querySelector(selector);
      if (part && !document.querySelector(selector)) document.body.append(document.adoptNode(part));
    }
  }
}

/**
 * Parse the site's own markup. On a page of another origin, its links lead to the site.
 *
 * @param {string} html
 * @param {URL} base
 */
function parsed(html, base) {
  const page = new DOMParser().parseFromString(html, "text/html");
  if (base.origin !== location.origin) pointTo(page, base);
  return page;
}

/**
 * @param {ParentNode} root
 * @param {URL} base
 */
function pointTo(root, base) {
  for (const link of root.querySelectorAll("a[href]")) {
    link.setAttribute("href", new URL(link.getAttribute("href") ?? "", base).href);
  }
  for (const { content } of root.querySelectorAll("template")) pointTo(content, base);
}
