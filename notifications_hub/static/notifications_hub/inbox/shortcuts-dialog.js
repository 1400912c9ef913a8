// @ts-check
import { choiceOf, choose, onChoice } from "../shared/browser-choices.js";
import { part } from "../shared/dom.js";

/** The dialog that lists the shortcuts and turns them on and off, and its button. */
export class ShortcutsDialog {
  #root;
  #dialog;

  /**
   * @param {HTMLElement} root the `<inbox-page>`
   * @param {AbortSignal} signal
   */
  constructor(root, signal) {
    this.#root = root;
    this.#dialog = /** @type {HTMLDialogElement} */ (part(root, "shortcuts"));
    const toggle = this.#toggle;
    this.#offer(part(root, "shortcuts-open"), signal);
    toggle.addEventListener("change", () => choose("shortcuts", toggle.checked), { signal });
    this.#dialog.addEventListener("click", (event) => this.#click(event), { signal });
    onChoice(() => this.#render(), signal);
    signal.addEventListener("abort", () => this.#dialog.close(), { once: true });
  }

  /**
   * @param {HTMLElement | null} opener a head of the site's own may have none
   * @param {AbortSignal} signal
   */
  #offer(opener, signal) {
    if (!opener) return;
    opener.hidden = false;
    opener.addEventListener("click", () => this.open(), { signal });
  }

  open() {
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (this.#dialog.querySelectorAll("[data-needs]"))) {
      row.hidden = !this.#root.querySelector(row.dataset.needs ?? "");
    }
    this.#render();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  get #toggle() {
    return /** @type {HTMLInputElement} */ (part(this.#dialog, "shortcuts-on"));
  }

  #render() {
    this.#toggle.checked = choiceOf("shortcuts", true);
  }

  /** @param {MouseEvent} event on its button to close, or beside it */
  #click({ target }) {
    const isClose = target instanceof Element && target.closest("[data-part=shortcuts-close]");
    if (isClose || target === this.#dialog) this.#dialog.close();
  }
}
