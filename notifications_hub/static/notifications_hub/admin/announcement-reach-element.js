// @ts-check
import { FormPieceElement } from "./form-piece.js";

const FIELDS = new Set(["audience", "people", "methods", "urgency"]);

/** `<announcement-reach url="…">` in an announcement's form: shows how many people it reaches, as they are chosen. */
export class AnnouncementReachElement extends FormPieceElement {
  /**
   * @override
   * @param {Event} event
   */
  follows(event) {
    const field = event.target;
    return event.type !== "click" && field instanceof Element && FIELDS.has(field.getAttribute("name") ?? "");
  }
}
