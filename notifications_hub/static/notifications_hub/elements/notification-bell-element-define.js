// @ts-check
import { NotificationBellElement } from "./notification-bell-element.js";

if (!customElements.get("notification-bell")) customElements.define("notification-bell", NotificationBellElement);
