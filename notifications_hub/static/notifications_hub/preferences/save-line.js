// @ts-check
import { announce } from "../shared/announcer.js";
import { ApiError } from "../shared/api-error.js";
import { part } from "../shared/dom.js";

/** Milliseconds for which "Saved" is shown. */
const SHOWN_FOR = 4_000;

/**
 * The words beside a switch: that it is being saved, that it is saved, or why not, with a button that tries again.
 */
export class SaveLine {
  #line;
  #words;

  /**
   * @param {Element} row
   * @param {DOMStringMap} words of the element: saving, saved, failed, offline, signedOut and retry
   */
  constructor(row, words) {
    this.#line = part(row, "state");
    this.#words = words;
  }

  saving() {
    this.#show("saving", this.#words.saving);
  }

  saved() {
    this.#show("saved", this.#words.saved);
    announce(this.#words.saved ?? "");
    const text = this.#line.firstChild;
    // A later change has words of its own.
    setTimeout(() => this.#line.firstChild === text && this.#show("", ""), SHOWN_FOR);
  }

  /**
   * @param {unknown} error
   * @param {() => void} retry
   */
  failed(error, retry) {
    const words = this.#reason(error);
    this.#show("failed", words);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "nh-link-button";
    button.textContent = this.#words.retry ?? "";
    button.addEventListener("click", retry, { once: true });
    this.#line.append(" ", button);
    announce(words, { urgent: true });
  }

  /** @param {unknown} error */
  #reason(error) {
    const { failed = "", offline = "", signedOut = "" } = this.#words;
    if (!(error instanceof ApiError)) return failed;
    if (error.status === 0) return offline;
    if (error.status === 401) return signedOut;
    return error.status === 400 ? `${failed} ${error.message}` : failed;
  }

  /**
   * @param {string} state
   * @param {string | undefined} text
   */
  #show(state, text) {
    this.#line.dataset.state = state;
    this.#line.hidden = !text;
    this.#line.replaceChildren(text ?? "");
  }
}
