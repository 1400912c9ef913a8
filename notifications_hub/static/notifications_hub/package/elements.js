// @ts-check
// `<notification-bell>` and `<toast-stack>` for pages that no template of the site rendered. Importing this registers
// them. The toasts come first: the bell looks up the stack when it connects.
import "../elements/toast-stack-element-define.js";
import { recordOutsideClicks } from "../inbox/outside-clicks.js";
import { BareBellElement } from "./bare-bell-element.js";

export { ToastStackElement } from "../elements/toast-stack-element.js";
export { BareBellElement };

if (!customElements.get("notification-bell")) customElements.define("notification-bell", BareBellElement);
if (globalThis.document) recordOutsideClicks();
