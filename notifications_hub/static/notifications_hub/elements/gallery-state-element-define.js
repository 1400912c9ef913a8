// @ts-check
import { GalleryStateElement, StillElement } from "./gallery-state-element.js";

if (!customElements.get("gallery-state")) customElements.define("gallery-state", GalleryStateElement);
for (const name of ["push-subscription", "task-progress", "follow-button"]) {
  if (!customElements.get(name)) customElements.define(name, class extends StillElement {});
}
