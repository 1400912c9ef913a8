// @ts-check

const PAUSE = 250;

/**
 * `<announcement-preview url="…">` in an announcement's form: shows the server's preview soon after the last keystroke.
 * Without `url` it does not change.
 */
export class AnnouncementPreviewElement extends HTMLElement {
  /** @type {AbortController | undefined} */
  #connected;
  /** @type {AbortController | undefined} */
  #request;
  #timer = 0;

  connectedCallback() {
    const form = this.closest("form");
    const url = this.getAttribute("url");
    if (!form || !url) return;
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    const schedule = () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#refresh(form, url), PAUSE);
    };
    form.addEventListener("input", schedule, { signal });
    form.addEventListener("change", schedule, { signal });
    // Django's inlines add and remove rows without an input event.
    form.addEventListener("click", schedule, { signal });
    schedule();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#connected?.abort();
    this.#request?.abort();
  }

  /**
   * @param {HTMLFormElement} form
   * @param {string} url
   */
  async #refresh(form, url) {
    this.#request?.abort();
    this.#request = new AbortController();
    const { signal } = this.#request;
    try {
      const answer = await fetch(url, { method: "POST", body: new FormData(form), signal });
      if (answer.ok) this.#show(await answer.text());
    } catch (error) {
      if (!signal.aborted) console.warn("The preview could not be loaded.", error);
    }
  }

  /** @param {string} html from this site's own preview, which has sanitised the text */
  #show(html) {
    const piece = new DOMParser().parseFromString(html, "text/html");
    this.replaceChildren(...piece.body.childNodes);
  }
}
