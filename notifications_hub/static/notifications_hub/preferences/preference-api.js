// @ts-check
import { CsrfFetch } from "../shared/csrf-fetch.js";

/** Milliseconds after which a change without an answer has failed. */
const ANSWERS_WITHIN = 15_000;

/**
 * A change of one or many, as `PATCH preferences/` takes it.
 *
 * @typedef {Record<string, boolean>} SwitchStates by delivery method
 * @typedef {object} PreferenceChange
 * @property {SwitchStates} [all]
 * @property {Record<string, SwitchStates>} [groups]
 * @property {Record<string, {methods?: SwitchStates, digest?: string, reset?: boolean}>} [kinds]
 * @property {string} [zone] the browser's time zone, for a person who has stored none
 *
 * @typedef {{name: string, chosen: boolean, methods: {name: string, on: boolean}[], digest: string | null}} KindShown
 * @typedef {object} Preferences the part of the answer that the page needs
 * @property {{kinds: KindShown[]}[]} groups
 */

/** A person's preferences over HTTP. */
export class PreferenceApi {
  #url;
  #http;

  /** @param {{base: string, csrf: string}} options `base` is the path of the API */
  constructor({ base, csrf }) {
    this.#url = new URL("preferences/", new URL(base, location.href));
    this.#http = new CsrfFetch({ token: csrf });
  }

  /** @returns {Promise<Preferences>} */
  read() {
    return this.#http.get(this.#url, { signal: AbortSignal.timeout(ANSWERS_WITHIN) });
  }

  /**
   * Send a change, also if the page is left meanwhile.
   *
   * @param {PreferenceChange} change
   * @returns {Promise<Preferences>} all preferences after it
   */
  change(change) {
    const init = { keepalive: true, signal: AbortSignal.timeout(ANSWERS_WITHIN) };
    return this.#http.send("PATCH", this.#url, change, init);
  }
}
