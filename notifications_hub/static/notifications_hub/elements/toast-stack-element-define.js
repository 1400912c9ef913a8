// @ts-check
import { ToastStackElement } from "./toast-stack-element.js";

if (!customElements.get("toast-stack")) customElements.define("toast-stack", ToastStackElement);
