// @ts-check
import { DRAWINGS } from "../gallery/drawings.js";

/**
 * `<gallery-state draws="…" data="…">` on the page of the gallery: draws one state of an element with the product's own
 * code and the page's templates. It is inert, and nothing of it is sent.
 */
export class GalleryStateElement extends HTMLElement {
  connectedCallback() {
    const draw = DRAWINGS[this.getAttribute("draws") ?? ""];
    const parts = document.querySelector("[data-part=parts]");
    if (draw && parts) draw({ root: this, parts, values: JSON.parse(this.getAttribute("data") ?? "{}") });
  }
}

/** An element that only stands there, where its own code would ask for its job or its subscription. */
export class StillElement extends HTMLElement {}
