// @ts-check
import { LiveListElement } from "./live-list-element.js";

if (!customElements.get("live-list")) customElements.define("live-list", LiveListElement);
