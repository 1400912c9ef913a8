// @ts-check
import { NotificationPreferencesElement } from "./notification-preferences-element.js";

if (!customElements.get("notification-preferences"))
  customElements.define("notification-preferences", NotificationPreferencesElement);
