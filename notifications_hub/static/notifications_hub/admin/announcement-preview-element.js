// @ts-check

const PAUSE = 250;

/**
 * `<announcement-preview url="…">` in the form of an announcement: shows what the server makes of the words, soon after
 * the last key. Without `url` it stays as it came.
 */
export class AnnouncementPreviewElement extends HTMLElement {
  /** @type {AbortController | undefined} */
  #connected;
  /** @type {AbortController | undefined} */
  #asking;
  #timer = 0;

  connectedCallback() {
    const form = this.closest("form");
    const url = this.getAttribute("url");
    if (!form || !url) return;
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    const later = () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#refresh(form, url), PAUSE);
    };
    form.addEventListener("input", later, { signal });
    form.addEventListener("change", later, { signal });
    // Django's inlines are rows that come and go without an input.
    form.addEventListener("click", later, { signal });
    later();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#connected?.abort();
    this.#asking?.abort();
  }

  /**
   * @param {HTMLFormElement} form
   * @param {string} url
   */
  async #refresh(form, url) {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    try {
      const answer = await fetch(url, { method: "POST", body: new FormData(form), signal });
      if (answer.ok) this.#show(await answer.text());
    } catch (error) {
      if (!signal.aborted) console.warn("The preview could not be made.", error);
    }
  }

  /** @param {string} html from this site's own preview, which has cleaned what was written */
  #show(html) {
    const piece = new DOMParser().parseFromString(html, "text/html");
    this.replaceChildren(...piece.body.childNodes);
  }
}
