// @ts-check
/**
 * State that the service worker needs while no page is open: who is signed in, and how to renew a subscription. It is in
 * the cache storage, which pages and workers share. The worker's side is in `service_worker/push.js`.
 *
 * @typedef {object} StoredState
 * @property {string} [person] "" if nobody is signed in
 * @property {string} [renew] the URL that takes a new subscription
 * @property {string} [token] authorises the renewal
 * @property {string} [key] the site's public key for new subscriptions
 */

const CACHE = "notifications-hub";
const ENTRY = "/notifications-hub/note";

/** The state shared with the service worker. */
export class WorkerState {
  #caches;

  /** @param {CacheStorage | undefined} [caches] undefined where there are no workers either */
  constructor(caches = globalThis.caches) {
    this.#caches = caches;
  }

  /** @returns {Promise<StoredState>} */
  async read() {
    const kept = await (await this.#caches?.open(CACHE))?.match(ENTRY);
    return (await kept?.json()) ?? {};
  }

  /** @param {StoredState} changes */
  async change(changes) {
    const state = { ...(await this.read()), ...changes };
    await (await this.#caches?.open(CACHE))?.put(ENTRY, Response.json(state));
  }
}
