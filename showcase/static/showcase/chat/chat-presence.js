// @ts-check
/** @import { Face } from "./chat-message.js" */

const TYPING = 6_000;

/**
 * @typedef {{face: Face, until: number, typingUntil: number}} Presence
 */

/** The people in the room. A person without a sign of life in time has left. */
export class ChatPresence {
  #life;
  /** @type {Map<number, Presence>} */
  #people = new Map();

  /** @param {number} life how long a sign of life counts, in milliseconds */
  constructor(life) {
    this.#life = life;
  }

  /**
   * @param {Face} face
   * @param {number} now
   * @param {boolean} [typing]
   */
  seen(face, now, typing = false) {
    const typingUntil = typing ? now + TYPING : (this.#people.get(face.person)?.typingUntil ?? 0);
    this.#people.set(face.person, { face, until: now + this.#life, typingUntil });
  }

  /** @param {number} person whose message has arrived */
  wrote(person) {
    const known = this.#people.get(person);
    if (known) known.typingUntil = 0;
  }

  /** @param {number} person */
  left(person) {
    this.#people.delete(person);
  }

  /**
   * Replace the people by the server's list, which makes up for lost events.
   *
   * @param {Face[]} faces
   * @param {number} now
   */
  update(faces, now) {
    const there = new Set(faces.map(({ person }) => person));
    for (const person of [...this.#people.keys()]) if (!there.has(person)) this.#people.delete(person);
    for (const face of faces) this.seen(face, now);
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
