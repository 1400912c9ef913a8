// @ts-check
import { ConnectionsLabElement } from "./connections-lab-element.js";

if (!customElements.get("connections-lab")) customElements.define("connections-lab", ConnectionsLabElement);
