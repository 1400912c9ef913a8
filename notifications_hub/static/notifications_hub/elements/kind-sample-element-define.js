// @ts-check
import { KindSampleElement } from "./kind-sample-element.js";

if (!customElements.get("kind-sample")) customElements.define("kind-sample", KindSampleElement);
