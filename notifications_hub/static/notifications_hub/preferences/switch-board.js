// @ts-check
/** @import { Preferences } from "./preference-api.js" */

/** The switches of the page, and what the server has confirmed of them. */
export class SwitchBoard {
  #root;
  /** The state that the server has confirmed, by the name of a switch. @type {Map<string, boolean>} */
  #confirmed = new Map();

  /** @param {Element} root */
  constructor(root) {
    this.#root = root;
    // A browser may restore an earlier state of the form, so the markup counts.
    for (const input of this.#kinds()) this.#confirmed.set(input.name, input.defaultChecked);
    this.#show();
  }

  /**
   * Return the switches that a whole switch stands for: those of its group, or all. Locked ones are left out.
   *
   * @param {HTMLInputElement} whole
   */
  under(whole) {
    const scope = whole.closest("[data-group]")?.closest("table") ?? this.#root;
    return this.#kinds(scope).filter(({ dataset, disabled }) => dataset.method === whole.dataset.whole && !disabled);
  }

  /** Show on each whole switch whether the switches under it are on, off or mixed. */
  showWholes() {
    for (const whole of this.#inputs("[data-whole]")) {
      const on = this.under(whole).filter(({ checked }) => checked).length;
      whole.checked = on > 0 && on === this.under(whole).length;
      whole.indeterminate = on > 0 && !whole.checked;
    }
  }

  /**
   * Take over what the server says.
   *
   * @param {Preferences} preferences
   * @param {{show: boolean}} how `show` is false while the person's further changes are under way
   */
  confirm({ groups }, { show }) {
    for (const { name: kind, chosen, methods } of groups.flatMap(({ kinds }) => kinds)) {
      for (const { name, on } of methods) this.#confirmed.set(`${kind}:${name}`, on);
      const reset = this.#resetOf(kind);
      if (reset) reset.hidden = !chosen && reset !== document.activeElement;
    }
    if (show) this.#show();
  }

  /**
   * Put switches back to what the server has confirmed.
   *
   * @param {HTMLInputElement[]} inputs
   */
  putBack(inputs) {
    for (const input of inputs) input.checked = this.#confirmed.get(input.name) ?? input.defaultChecked;
    this.showWholes();
  }

  #show() {
    this.putBack(this.#kinds());
  }

  /** @param {string} kind */
  #resetOf(kind) {
    return /** @type {HTMLButtonElement | null} */ (
      this.#root.querySelector(`button[name=reset][value="${CSS.escape(kind)}"]`)
    );
  }

  /** @param {Element} [scope] */
  #kinds(scope = this.#root) {
    return this.#inputs("[data-kind]", scope);
  }

  /**
   * @param {string} selector
   * @param {Element} [scope]
   */
  #inputs(selector, scope = this.#root) {
    return [.../** @type {NodeListOf<HTMLInputElement>} */ (scope.querySelectorAll(`input${selector}`))];
  }
}
