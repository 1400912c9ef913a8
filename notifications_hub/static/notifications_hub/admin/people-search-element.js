// @ts-check

const PAUSE = 250;
const SHORTEST = 2;

/**
 * @typedef {object} Found
 * @property {string} name that stands for the person in the text
 * @property {string} words
 */

/** `<people-search url="…" for="…">`: finds people by a part of their name, and adds them to a text of names. */
export class PeopleSearchElement extends HTMLElement {
  #life = new AbortController();
  #timer = 0;
  /** @type {Map<string, string>} the names by the words of the suggestions */
  #names = new Map();

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    const input = this.querySelector("input");
    const button = this.querySelector("button");
    if (!input || !button) return;
    input.addEventListener("input", () => this.#typed(input), { signal });
    input.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Enter" || event.isComposing) return;
        // It would submit the form.
        event.preventDefault();
        this.#add(input);
      },
      { signal },
    );
    button.addEventListener("click", () => this.#add(input), { signal });
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#life.abort();
  }

  /** @param {HTMLInputElement} input */
  #typed(input) {
    clearTimeout(this.#timer);
    if (this.#names.has(input.value)) this.#add(input);
    else if (input.value.trim().length >= SHORTEST) {
      this.#timer = window.setTimeout(() => this.#search(input.value), PAUSE);
    }
  }

  /** @param {string} text */
  async #search(text) {
    const url = new URL(this.getAttribute("url") ?? "", document.baseURI);
    url.searchParams.set("q", text);
    try {
      const answer = await fetch(url, { signal: this.#life.signal });
      if (answer.ok && !answer.redirected) this.#offer((await answer.json()).results);
    } catch (error) {
      if (!this.#life.signal.aborted) console.warn("The search for people failed.", error);
    }
  }

  /** @param {Found[]} results */
  #offer(results) {
    this.#names = new Map(results.map(({ name, words }) => [words, name]));
    const options = results.map(({ words }) => {
      const option = document.createElement("option");
      option.value = words;
      return option;
    });
    this.querySelector("datalist")?.replaceChildren(...options);
  }

  /** @param {HTMLInputElement} input */
  #add(input) {
    const area = document.getElementById(this.getAttribute("for") ?? "");
    const name = this.#names.get(input.value) ?? input.value.trim();
    if (!(area instanceof HTMLTextAreaElement) || !name) return;
    const before = area.value.trimEnd();
    area.value = before ? `${before}\n${name}` : name;
    input.value = "";
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
