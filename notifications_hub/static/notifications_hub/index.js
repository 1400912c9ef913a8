// @ts-check
// Toasts come first: the bell looks up the stack when it connects.
import "./elements/toast-stack-element-define.js";
import "./elements/notification-bell-element-define.js";
import "./elements/inbox-page-element-define.js";
import "./elements/local-times-element-define.js";
import "./elements/push-subscription-element-define.js";
import "./elements/push-keeper-element-define.js";
