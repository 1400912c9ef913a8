// @ts-check
import { BrowserChoicesElement } from "./browser-choices-element.js";

if (!customElements.get("browser-choices")) customElements.define("browser-choices", BrowserChoicesElement);
