// @ts-check
/** @import { Face } from "./chat-message.js" */

const TYPING = 6_000;

/**
 * @typedef {{face: Face, until: number, typingUntil: number}} Presence
 */

/** Who is in the room, by what was last heard of each; whoever is not heard of again in time has left. */
export class ChatPresence {
  #life;
  /** @type {Map<number, Presence>} */
  #people = new Map();

  /** @param {number} life how long a sign of life holds, in milliseconds */
  constructor(life) {
    this.#life = life;
  }

  /**
   * @param {Face} face
   * @param {number} now
   * @param {boolean} [typing]
   */
  heard(face, now, typing = false) {
    const typingUntil = typing ? now + TYPING : (this.#people.get(face.person)?.typingUntil ?? 0);
    this.#people.set(face.person, { face, until: now + this.#life, typingUntil });
  }

  /** @param {number} person one who has sent what they typed */
  wrote(person) {
    const known = this.#people.get(person);
    if (known) known.typingUntil = 0;
  }

  /** @param {number} person */
  left(person) {
    this.#people.delete(person);
  }

  /**
   * What the server knows: makes good what was not heard.
   *
   * @param {Face[]} faces
   * @param {number} now
   */
  update(faces, now) {
    const there = new Set(faces.map(({ person }) => person));
    for (const person of [...this.#people.keys()]) if (!there.has(person)) this.#people.delete(person);
    for (const face of faces) this.heard(face, now);
  }

  /** @param {number} now */
  here(now) {
    return [...this.#people.values()].filter(({ until }) => until > now).map(({ face }) => face);
  }

  /** @param {number} now */
  typing(now) {
    return [...this.#people.values()].filter(({ typingUntil }) => typingUntil > now).map(({ face }) => face);
  }
}
