// @ts-check
import { AnnouncementPreviewElement } from "./announcement-preview-element.js";

if (!customElements.get("announcement-preview")) {
  customElements.define("announcement-preview", AnnouncementPreviewElement);
}
