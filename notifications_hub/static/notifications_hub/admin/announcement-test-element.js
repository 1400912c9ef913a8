// @ts-check
import { showPiece } from "./form-piece.js";

/**
 * `<announcement-test url="…">` around the button that sends a test: sends it without leaving the form, and shows the
 * result below the buttons.
 */
export class AnnouncementTestElement extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#send);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#send);
  }

  /** @param {Event} event */
  #send = async (event) => {
    const form = this.closest("form");
    const button = this.querySelector("input");
    const result = document.getElementById("announcement-test-result");
    if (!form || !button || !result || event.target !== button) return;
    event.preventDefault();
    button.disabled = true;
    try {
      const answer = await fetch(this.getAttribute("url") ?? "", { method: "POST", body: new FormData(form) });
      if (!answer.ok || answer.redirected) throw new Error(`The answer was ${answer.status}.`);
      showPiece(result, await answer.text());
    } catch (error) {
      console.warn("The test could not be sent.", error);
      // The browser's own way shows what is wrong.
      button.disabled = false;
      form.requestSubmit(button);
    } finally {
      button.disabled = false;
    }
  };
}
