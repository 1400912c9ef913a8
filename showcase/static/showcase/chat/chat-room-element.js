// @ts-check
import { ChatRoom } from "./chat-room.js";

/**
 * `<chat-room>`: a room that is alive. It starts from the rows in the page and the cursor they were rendered at.
 *
 * Attributes, all written by the page: `topic`, `topics` (by spaces), `cursor`, `live`; `messages`, `read` and `here`
 * (addresses) and `csrf`; `person`, `username`, `name` and `hue` (who I am) and `time-zone`; `oldest` and `older` (what
 * the page shows); `read-through`; `beat` and `life` in seconds.
 */
export class ChatRoomElement extends HTMLElement {
  /** @type {ChatRoom | null} */
  #room = null;

  connectedCallback() {
    this.#room = new ChatRoom(this);
    this.#room.open();
  }

  disconnectedCallback() {
    this.#room?.close();
    this.#room = null;
  }
}
