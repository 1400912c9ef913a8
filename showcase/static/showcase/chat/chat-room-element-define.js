// @ts-check
import { ChatRoomElement } from "./chat-room-element.js";

if (!customElements.get("chat-room")) customElements.define("chat-room", ChatRoomElement);
