// @ts-check
import { FormPieceElement } from "./form-piece.js";

/**
 * `<announcement-preview url="…">` in an announcement's form: shows the server's preview soon after the last keystroke.
 * Without `url` it does not change.
 */
export class AnnouncementPreviewElement extends FormPieceElement {}
