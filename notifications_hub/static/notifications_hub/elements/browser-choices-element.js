// @ts-check
/** @import { ChoiceName } from "../shared/browser-choices.js" */
import { playSample } from "../attention/sound.js";
import { choiceOf, choose, onChoice } from "../shared/browser-choices.js";
import { part } from "../shared/dom.js";

/**
 * `<browser-choices>`: what a person chooses for this browser. It appears once it works. Each switch is kept at once,
 * and followed by every tab. What was never chosen is as the page's bell has it, or on if it has `data-on`.
 */
export class BrowserChoicesElement extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    this.addEventListener("change", (event) => this.#change(event), { signal });
    part(this, "sample").addEventListener("click", playSample, { signal });
    onChoice(() => this.#render(), signal);
    this.#render();
    this.hidden = false;
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {Event} event */
  #change({ target }) {
    if (target instanceof HTMLInputElement) choose(/** @type {ChoiceName} */ (target.dataset.choice), target.checked);
  }

  #render() {
    const bell = document.querySelector("notification-bell");
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (this.querySelectorAll("[data-choice]"))) {
      const name = /** @type {ChoiceName} */ (box.dataset.choice);
      box.checked = choiceOf(name, box.hasAttribute("data-on") || (bell?.hasAttribute(name) ?? false));
    }
    part(this, "favicon-choice").hidden = bell?.hasAttribute("no-data-images") ?? false;
  }
}
