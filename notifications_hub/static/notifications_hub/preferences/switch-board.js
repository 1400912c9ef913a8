// @ts-check
/** @import { Preferences } from "./preference-api.js" */

/**
 * A switch, or the list of how often emails of a kind come.
 *
 * @typedef {HTMLInputElement | HTMLSelectElement} Control
 */

/** The controls of the page, and what the server has confirmed of them. */
export class SwitchBoard {
  #root;
  /** The state that the server has confirmed, by the name of a control. @type {Map<string, boolean | string>} */
  #confirmed = new Map();

  /** @param {Element} root */
  constructor(root) {
    this.#root = root;
    // A browser may restore an earlier state of the form, so the markup counts.
    for (const input of this.#kinds()) this.#confirmed.set(input.name, input.defaultChecked);
    for (const list of this.#digests()) this.#confirmed.set(list.name, chosenIn(list));
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
    for (const list of this.#digests()) this.#showDigest(list);
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
    for (const { name: kind, chosen, methods, digest } of groups.flatMap(({ kinds }) => kinds)) {
      if (digest) this.#confirmed.set(`digest:${kind}`, digest);
      for (const { name, on } of methods) this.#confirmed.set(`${kind}:${name}`, on);
      const reset = this.#resetOf(kind);
      if (reset) reset.hidden = !chosen && reset !== document.activeElement;
    }
    if (show) this.#show();
  }

  /**
   * Put controls back to what the server has confirmed.
   *
   * @param {Control[]} controls
   */
  putBack(controls) {
    for (const control of controls) set(control, this.#confirmed.get(control.name));
    this.showWholes();
  }

  /**
   * Show what the person wants, before the server has confirmed it.
   *
   * @param {Control[]} controls
   * @param {boolean | string | undefined} state
   */
  want(controls, state) {
    for (const control of controls) set(control, state);
    this.showWholes();
  }

  #show() {
    this.putBack([...this.#kinds(), ...this.#digests()]);
  }

  #digests() {
    return /** @type {NodeListOf<HTMLSelectElement>} */ (this.#root.querySelectorAll("select[data-digest]"));
  }

  /**
   * Show how often emails come where they come at all.
   *
   * @param {HTMLSelectElement} list
   */
  #showDigest(list) {
    const label = list.closest("label");
    const methods = list.dataset.methods?.split(" ") ?? [];
    const on = this.#kinds(/** @type {Element} */ (list.closest("tr"))).filter(({ checked }) => checked);
    if (label) label.hidden = !on.some(({ dataset }) => methods.includes(dataset.method ?? ""));
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

/** @param {HTMLSelectElement} list */
function chosenIn(list) {
  return [...list.options].find(({ defaultSelected }) => defaultSelected)?.value ?? list.value;
}

/**
 * @param {Control} control
 * @param {boolean | string | undefined} state
 */
function set(control, state) {
  if (control instanceof HTMLSelectElement) control.value = typeof state === "string" ? state : control.value;
  else if (typeof state === "boolean") control.checked = state;
}
