// @ts-check
const NAME = "notifications-hub.push";

/**
 * @typedef {object} OptIn a person's wish to receive pushes in this browser
 * @property {string} id of their subscription on the server; "" once they have signed out
 * @property {string} endpoint
 * @property {string} binding the server's value when it was registered
 */

/** The people who turned on push in this browser. Stored beyond sessions, so that they need not turn it on again. */
export class PushMemory {
  #storage;

  /** @param {Storage} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /**
   * @param {string} person
   * @returns {OptIn | null}
   */
  of(person) {
    return this.#all[person] ?? null;
  }

  /**
   * @param {string} person
   * @param {OptIn} optIn
   */
  keep(person, optIn) {
    this.#write({ ...this.#all, [person]: optIn });
  }

  /** @param {string} person */
  forget(person) {
    const { [person]: _gone, ...others } = this.#all;
    this.#write(others);
  }

  /** @param {string} person is signing out, which ends their subscription on the server */
  leave(person) {
    const optIn = this.of(person);
    if (optIn) this.keep(person, { ...optIn, id: "" });
  }

  /** @returns {Record<string, OptIn>} */
  get #all() {
    return JSON.parse(this.#storage.getItem(NAME) ?? "{}");
  }

  /** @param {Record<string, OptIn>} optIns */
  #write(optIns) {
    this.#storage.setItem(NAME, JSON.stringify(optIns));
  }
}
