// @ts-check
/** @import { HubEvent, HubResetEvent } from "../client/hub-events.js" */

import { HubClient } from "../client/hub-client.js";
import { PageWatch } from "../client/page-watch.js";
import { liveLine } from "../tabs/open-line.js";

const PAUSE = 500;

/**
 * `<announcement-sending>` around the server's table of an announcement's progress: shows the newest one soon after
 * each event of its topic.
 *
 * Attributes, all written by the page: `url` of the table, `topic`, `cursor`, `live` and `person`.
 */
export class AnnouncementSendingElement extends HTMLElement {
  #life = new AbortController();
  #timer = 0;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    const page = new PageWatch(signal);
    const topic = this.#text("topic");
    const live = new URL(this.#text("live"), document.baseURI);
    const person = this.#text("person");
    const client = new HubClient({
      topics: [topic],
      line: (query) => liveLine({ live, person, page, query, unshown: () => [], toasts: false }),
    });
    client.addEventListener("hub-event", (event) => {
      if (/** @type {HubEvent} */ (event).topic === topic) this.#schedule();
    });
    client.addEventListener("hub-reset", (event) => {
      if (/** @type {HubResetEvent} */ (event).topics.includes(topic)) this.#schedule();
    });
    signal.addEventListener("abort", () => client.stop());
    client.start(this.#text("cursor"));
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#life.abort();
  }

  #schedule() {
    this.#timer ||= window.setTimeout(() => this.#refresh(), PAUSE);
  }

  async #refresh() {
    this.#timer = 0;
    const { signal } = this.#life;
    try {
      const answer = await fetch(this.#text("url"), { signal });
      // A redirect leads to the sign-in page.
      if (answer.ok && !answer.redirected) this.#show(await answer.text());
    } catch (error) {
      if (!signal.aborted) console.warn("The progress could not be loaded.", error);
    }
  }

  /** @param {string} html of this site's own page, whose text is escaped */
  #show(html) {
    const focused = /** @type {HTMLButtonElement | null} */ (this.querySelector("button:focus"))?.value;
    const piece = new DOMParser().parseFromString(html, "text/html");
    this.replaceChildren(...piece.body.childNodes);
    const same = [...this.querySelectorAll("button")].find((button) => button.value === focused);
    same?.focus();
  }

  /** @param {string} name */
  #text(name) {
    return this.getAttribute(name) ?? "";
  }
}
