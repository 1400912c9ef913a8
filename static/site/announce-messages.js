// @ts-check
/** Have screen readers read the messages that the page came with: they say nothing of a live region that came filled. */
import { announce } from "../notifications_hub/dist/client.js";

for (const message of document.querySelectorAll(".messages > li")) {
  const text = message.textContent?.replace(/\s+/g, " ").trim() ?? "";
  announce(text, { urgent: message.classList.contains("is-error") });
}
