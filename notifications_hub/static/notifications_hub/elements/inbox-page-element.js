// @ts-check
import { InboxPage } from "../inbox/inbox-page.js";
import { part } from "../shared/dom.js";

/**
 * `<inbox-page>` around the server-rendered inbox: changes its rows in place, and updates them live. New items are not
 * inserted, because the person may be reading; a link offers them instead. Without a script its forms work as they are.
 */
export class InboxPageElement extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    this.#life = new AbortController();
    if (part(this, "days")) new InboxPage(this, this.#life);
    this.toggleAttribute("data-ready", true);
  }

  disconnectedCallback() {
    this.#life.abort();
  }
}
