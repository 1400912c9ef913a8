// @ts-check
import { AnnouncementSendingElement } from "./announcement-sending-element.js";

if (!customElements.get("announcement-sending")) {
  customElements.define("announcement-sending", AnnouncementSendingElement);
}
