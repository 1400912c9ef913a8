// @ts-check
import { QuietHoursElement } from "./quiet-hours-element.js";

if (!customElements.get("quiet-hours")) customElements.define("quiet-hours", QuietHoursElement);
