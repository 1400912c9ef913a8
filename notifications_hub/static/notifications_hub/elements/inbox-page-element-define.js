// @ts-check
import "./follow-button-element-define.js";
import { InboxPageElement } from "./inbox-page-element.js";

if (!customElements.get("inbox-page")) customElements.define("inbox-page", InboxPageElement);
