// @ts-check
import { FollowButtonElement } from "./follow-button-element.js";

if (!customElements.get("follow-button")) customElements.define("follow-button", FollowButtonElement);
