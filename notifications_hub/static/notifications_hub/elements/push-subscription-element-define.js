// @ts-check
import { PushSubscriptionElement } from "./push-subscription-element.js";

if (!customElements.get("push-subscription")) customElements.define("push-subscription", PushSubscriptionElement);
