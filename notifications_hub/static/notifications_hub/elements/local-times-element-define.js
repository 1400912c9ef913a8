// @ts-check
import { LocalTimesElement } from "./local-times-element.js";

if (!customElements.get("local-times")) customElements.define("local-times", LocalTimesElement);
