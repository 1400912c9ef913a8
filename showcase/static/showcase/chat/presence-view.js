// @ts-check
/**
 * @import { Face } from "./chat-message.js"
 * @import { ChatPresence } from "./chat-presence.js"
 */
import { copyOf, part, setText } from "../../notifications_hub/dist/client.js";
import { initialOf } from "./initial-of.js";

/** The people present, as a row of avatars, and the people typing, as a line of text. */
export class PresenceView {
  #host;
  #presence;
  #me;
  #shown = "";

  /**
   * @param {HTMLElement} host
   * @param {ChatPresence} presence
   * @param {number} me not shown as typing
   */
  constructor(host, presence, me) {
    this.#host = host;
    this.#presence = presence;
    this.#me = me;
  }

  /** @returns {Face[]} the people that the page was rendered with */
  rendered() {
    const rows = /** @type {NodeListOf<HTMLElement>} */ (part(this.#host, "here").querySelectorAll("[data-person]"));
    return [...rows].map(({ dataset, title }) => {
      return { person: Number(dataset.person), hue: Number(dataset.hue), name: title };
    });
  }

  render() {
    this.#renderHere(this.#presence.here());
    this.#renderTyping(this.#presence.typing(Date.now()).filter(({ person }) => person !== this.#me));
  }

  /** @param {Face[]} faces */
  #renderHere(faces) {
    const shown = JSON.stringify(faces);
    if (shown === this.#shown) return;
    this.#shown = shown;
    part(this.#host, "here").replaceChildren(...faces.map((face) => this.#avatar(face)));
  }

  /** @param {Face} face */
  #avatar({ name, hue }) {
    const disc = copyOf(this.#host, "face");
    const avatar = /** @type {HTMLElement} */ (disc.querySelector(".avatar"));
    avatar.className = `avatar hue-${hue}`;
    setText(avatar, initialOf(name));
    setText(part(disc, "name"), name);
    disc.title = name;
    return disc;
  }

  /** @param {Face[]} faces */
  #renderTyping(faces) {
    const line = part(this.#host, "typing");
    const [first, second] = faces.map(({ name }) => name);
    const { one = "", two = "", many = "" } = line.dataset;
    const words = faces.length > 2 ? many : second ? two : one;
    setText(line, first ? words.replace("{name}", () => first).replace("{other}", () => second ?? "") : "");
  }
}
