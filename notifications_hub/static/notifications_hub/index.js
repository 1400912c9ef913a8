// @ts-check
// The bell and the toasts of every page; other parts load on the pages that have them. Toasts come first: the bell looks
// up the stack when it connects.
import "./elements/toast-stack-element-define.js";
import "./elements/notification-bell-element-define.js";
import "./elements/push-keeper-element-define.js";
import { recordOutsideClicks } from "./inbox/outside-clicks.js";

recordOutsideClicks();
