// @ts-check
const NAME = "notifications-hub.push";

/**
 * @typedef {object} Wish that of a person to be told in this browser
 * @property {string} id of their subscription on the server; empty once they have signed out
 * @property {string} endpoint
 * @property {string} binding what the server said when it was registered
 */

/** Who switched pushes on in this browser. It outlives sessions: who signs in again need not switch on again. */
export class PushMemory {
  #storage;

  /** @param {Storage} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /**
   * @param {string} person
   * @returns {Wish | null}
   */
  of(person) {
    return this.#all[person] ?? null;
  }

  /**
   * @param {string} person
   * @param {Wish} wish
   */
  keep(person, wish) {
    this.#write({ ...this.#all, [person]: wish });
  }

  /** @param {string} person */
  forget(person) {
    const { [person]: _gone, ...others } = this.#all;
    this.#write(others);
  }

  /** @param {string} person who is signing out, which ends their subscription on the server */
  leave(person) {
    const wish = this.of(person);
    if (wish) this.keep(person, { ...wish, id: "" });
  }

  /** @returns {Record<string, Wish>} */
  get #all() {
    return JSON.parse(this.#storage.getItem(NAME) ?? "{}");
  }

  /** @param {Record<string, Wish>} wishes */
  #write(wishes) {
    this.#storage.setItem(NAME, JSON.stringify(wishes));
  }
}
