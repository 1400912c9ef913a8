// @ts-check
/**
 * @import { PushApi } from "./push-api.js"
 * @import { PushStateName } from "./push-subscription-state.js"
 */
import { PushState } from "./push-subscription-state.js";

const MEMORY = "notifications-hub.push";

/** Switches pushes to this browser on and off. Every method answers with the state it leaves behind. */
export class PushSwitch {
  #api;
  #workerUrl;
  #person;
  #view;

  /**
   * @param {object} options
   * @param {PushApi} options.api
   * @param {string} options.workerUrl
   * @param {string} options.person whose switch it is: a browser may be shared, and the permission is the browser's
   * @param {Window & typeof globalThis} [options.view]
   */
  constructor({ api, workerUrl, person, view = window }) {
    this.#api = api;
    this.#workerUrl = workerUrl;
    this.#person = person;
    this.#view = view;
  }

  /**
   * Looks without asking anything of anyone. A browser that is on is registered again: that renews a subscription the
   * browser has dropped or the site's new key has outdated, and frees one that was held back.
   *
   * @returns {Promise<PushStateName>}
   */
  async look() {
    if (!this.#supported) return this.#missing;
    if ((await this.#api.key()) === null) return PushState.UNAVAILABLE;
    if (this.#view.Notification.permission !== "granted") return this.#unpermitted;
    return this.#remembered ? this.#register() : PushState.OFF;
  }

  /**
   * Call it from a click: the browser asks for permission only then.
   *
   * @returns {Promise<PushStateName>}
   */
  async turnOn() {
    const permission = await this.#view.Notification.requestPermission();
    return permission === "granted" ? this.#register() : this.#unpermitted;
  }

  /** @returns {Promise<PushStateName>} */
  async turnOff() {
    // The server first: should the rest fail, it is sure that nothing more is sent.
    const id = this.#remembered;
    if (id) await this.#api.remove(id);
    this.#view.localStorage.removeItem(MEMORY);
    const registration = await this.#view.navigator.serviceWorker.getRegistration(this.#workerUrl);
    const subscription = await registration?.pushManager.getSubscription();
    await subscription?.unsubscribe();
    return PushState.OFF;
  }

  /** @returns {Promise<PushStateName>} */
  async #register() {
    const key = await this.#api.key();
    if (key === null) return PushState.UNAVAILABLE;
    const container = this.#view.navigator.serviceWorker;
    await container.register(this.#workerUrl, { updateViaCache: "none" });
    const { pushManager } = await container.ready;
    const subscription = await subscribed(pushManager, fromBase64Url(key));
    this.#remember(await this.#api.register(subscription.toJSON()));
    return PushState.ON;
  }

  get #supported() {
    return "serviceWorker" in this.#view.navigator && "PushManager" in this.#view && "Notification" in this.#view;
  }

  /** @returns {PushStateName} */
  get #missing() {
    const { navigator } = this.#view;
    return "standalone" in navigator && !navigator.standalone ? PushState.INSTALL : PushState.UNSUPPORTED;
  }

  /** @returns {PushStateName} */
  get #unpermitted() {
    return this.#view.Notification.permission === "denied" ? PushState.DENIED : PushState.DEFAULT;
  }

  /** The id of this person's subscription, if it was switched on here by them. */
  get #remembered() {
    const { person, id } = JSON.parse(this.#view.localStorage.getItem(MEMORY) ?? "{}");
    return person === this.#person && typeof id === "string" ? id : null;
  }

  /** @param {string} id */
  #remember(id) {
    this.#view.localStorage.setItem(MEMORY, JSON.stringify({ person: this.#person, id }));
  }
}

/**
 * @param {PushManager} pushManager
 * @param {Uint8Array<ArrayBuffer>} key
 */
async function subscribed(pushManager, key) {
  const current = await pushManager.getSubscription();
  if (current && sameKey(current, key)) return current;
  await current?.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/**
 * @param {PushSubscription} subscription
 * @param {Uint8Array} key
 */
function sameKey({ options }, key) {
  const theirs = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  return theirs.length === key.length && theirs.every((byte, at) => byte === key[at]);
}

/** @param {string} text */
function fromBase64Url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
