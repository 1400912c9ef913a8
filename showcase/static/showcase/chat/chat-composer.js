// @ts-check

const TYPING_EVERY = 3_000;

/**
 * The field for a new message. Enter sends it and Shift+Enter starts a new line, except while an input method is
 * composing. Dispatches `composer-send` with the text, and `composer-typing` every few seconds.
 */
export class ChatComposer extends EventTarget {
  #form;
  #field;
  #typedAt = 0;

  /**
   * @param {HTMLFormElement} form
   * @param {AbortSignal} signal
   */
  constructor(form, signal) {
    super();
    this.#form = form;
    this.#field = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("body"));
    form.addEventListener("submit", (event) => this.#submit(event), { signal });
    this.#field.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#field.addEventListener("input", () => this.#typed(), { signal });
  }

  focus() {
    this.#field.focus();
  }

  close() {
    this.#field.disabled = true;
    for (const button of this.#form.querySelectorAll("button")) button.disabled = true;
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    const body = this.#field.value.trim();
    if (!body) return;
    this.#field.value = "";
    this.#typedAt = 0;
    this.focus();
    this.dispatchEvent(new MessageEvent("composer-send", { data: body }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #typed() {
    if (!this.#field.value.trim() || Date.now() - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = Date.now();
    this.dispatchEvent(new Event("composer-typing"));
  }
}
