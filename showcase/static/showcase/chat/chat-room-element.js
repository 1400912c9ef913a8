// @ts-check
import { ChatRoom } from "./chat-room.js";

/**
 * `<chat-room>`: a live chat room. It starts from the rows in the page and the cursor they were rendered at.
 *
 * Attributes, all written by the page:
 *
 * - `topic`, `presence-topic`, `topics` (separated by spaces), `cursor` and `live`.
 * - `room`, `messages`, `read` and `here`: URLs. `csrf`.
 * - `person`, `username`, `name`, `hue` and `time-zone`: of the signed-in person.
 * - `oldest` and `older`: the part of the history that the page shows.
 * - `read-through`: the id of the last message read.
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
