// @ts-check
/**
 * What the service worker has to know and cannot ask when no page is open: who is signed in, and how a subscription is
 * renewed. In the cache storage, which pages and workers share; the worker's side is in `service_worker/push.js`.
 *
 * @typedef {object} Note
 * @property {string} [person] empty when nobody is signed in
 * @property {string} [renew]
 * @property {string} [token]
 * @property {string} [key]
 */

const NOTES = "notifications-hub";
const NOTE = "/notifications-hub/note";

export class WorkerState {
  #caches;

  /** @param {CacheStorage | undefined} [caches] there is none where there can be no worker either */
  constructor(caches = globalThis.caches) {
    this.#caches = caches;
  }

  /** @returns {Promise<Note>} */
  async read() {
    const kept = await (await this.#caches?.open(NOTES))?.match(NOTE);
    return (await kept?.json()) ?? {};
  }

  /** @param {Note} changes */
  async change(changes) {
    const note = { ...(await this.read()), ...changes };
    await (await this.#caches?.open(NOTES))?.put(NOTE, Response.json(note));
  }
}
