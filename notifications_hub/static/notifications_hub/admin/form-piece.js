// @ts-check

const PAUSE = 250;

/**
 * The base of elements in an announcement's form that show a piece of HTML from the server, soon after the form changes.
 *
 * Attribute `url`: where the form is posted to. Without it the piece does not change.
 */
export class FormPieceElement extends HTMLElement {
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
    /** @param {Event} event */
    const schedule = (event) => {
      if (this.follows(event)) this.#schedule(form, url);
    };
    form.addEventListener("input", schedule, { signal });
    form.addEventListener("change", schedule, { signal });
    // Django's inlines add and remove rows without an input event.
    form.addEventListener("click", schedule, { signal });
    this.#schedule(form, url);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#connected?.abort();
    this.#request?.abort();
  }

  /**
   * Return whether the piece depends on what has changed.
   *
   * @param {Event} _event
   */
  follows(_event) {
    return true;
  }

  /**
   * @param {HTMLFormElement} form
   * @param {string} url
   */
  #schedule(form, url) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#refresh(form, url), PAUSE);
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
      // A redirect leads to the sign-in page.
      if (answer.ok && !answer.redirected) showPiece(this, await answer.text());
    } catch (error) {
      if (!signal.aborted) console.warn(`<${this.localName}> could not be loaded.`, error);
    }
  }
}

/**
 * @param {Element} place
 * @param {string} html of this site's own page, whose text is escaped or sanitised
 */
export function showPiece(place, html) {
  const piece = new DOMParser().parseFromString(html, "text/html");
  place.replaceChildren(...piece.body.childNodes);
}
