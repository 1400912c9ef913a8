// @ts-check
/** @import { Face } from "./chat-message.js" */

const TYPING = 6_000;

/** The people who have the room open, and those who are typing. */
export class ChatPresence {
  /** @type {Map<number, Face>} */
  #people = new Map();
  /** @type {Map<number, {face: Face, until: number}>} */
  #typing = new Map();

  /** @param {Face[]} faces the whole list, as the server knows it */
  replace(faces) {
    this.#people = new Map(faces.map((face) => [face.person, face]));
  }

  /** @param {Face} face */
  joined(face) {
    this.#people.set(face.person, face);
  }

  /** @param {number} person */
  left(person) {
    this.#people.delete(person);
    this.#typing.delete(person);
  }

  /**
   * @param {Face} face
   * @param {number} now
   */
  typed(face, now) {
    this.#typing.set(face.person, { face, until: now + TYPING });
  }

  /** @param {number} person whose message has arrived */
  wrote(person) {
    this.#typing.delete(person);
  }

  here() {
    return [...this.#people.values()];
  }

  /** @param {number} now */
  typing(now) {
    return [...this.#typing.values()].filter(({ until }) => until > now).map(({ face }) => face);
  }
}
