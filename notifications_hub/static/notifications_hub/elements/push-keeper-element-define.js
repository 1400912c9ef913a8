// @ts-check
import { PushKeeperElement } from "./push-keeper-element.js";

if (!customElements.get("push-keeper")) customElements.define("push-keeper", PushKeeperElement);
