// @ts-check

/** `<quiet-hours>` proposes the browser's time zone to a person who has not chosen one. */
export class QuietHoursElement extends HTMLElement {
  connectedCallback() {
    if (!this.hasAttribute("unset")) return;
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const select = /** @type {HTMLSelectElement | null} */ (this.querySelector("select[name=zone]"));
    if (!select || ![...select.options].some(({ value }) => value === timeZone)) return;
    for (const field of this.querySelectorAll("[name=zone]")) {
      /** @type {HTMLInputElement | HTMLSelectElement} */ (field).value = timeZone;
    }
  }
}
