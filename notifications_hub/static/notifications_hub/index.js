// @ts-check
// Toasts come first: the bell looks for the stack as soon as it is there.
import "./toast-stack-element-define.js";
import "./notification-bell-element-define.js";
import "./inbox-page-element-define.js";
import "./push-subscription-element-define.js";
import "./push-keeper-element-define.js";
