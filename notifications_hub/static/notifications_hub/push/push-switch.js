// @ts-check
/**
 * @import { PushApi } from "./push-api.js"
 * @import { PushStateName } from "./push-state.js"
 */
import { PushMemory } from "./push-memory.js";
import { PushState } from "./push-state.js";
import { WorkerState } from "./worker-state.js";

const LOCK = "notifications-hub.push";

/** Switches pushes to this browser on and off. Methods answer with the state they leave behind. */
export class PushSwitch {
  #api;
  #workerUrl;
  #renewUrl;
  #person;
  #binding;
  #view;
  #memory;
  #note;

  /**
   * @param {object} options
   * @param {PushApi} options.api
   * @param {string} options.workerUrl empty where the site has a worker of its own
   * @param {string} options.renewUrl
   * @param {string} options.person whose switch it is: a browser may be shared, and the permission is the browser's
   * @param {string} options.binding another one than last time asks for registering again; empty while push is off
   * @param {Window & typeof globalThis} [options.view]
   */
  constructor({ api, workerUrl, renewUrl, person, binding, view = window }) {
    this.#api = api;
    this.#workerUrl = workerUrl;
    this.#renewUrl = renewUrl;
    this.#person = person;
    this.#binding = binding;
    this.#view = view;
    this.#memory = new PushMemory(view.localStorage);
    this.#note = new WorkerState(view.caches);
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
    return this.#alone(() => this.#lookAgain());
  }

  /** What every page does: nothing at all while everything is as it was. */
  async keep() {
    const wish = this.#memory.of(this.#person);
    if (!wish || !this.#binding || !this.#supported || this.#view.Notification.permission !== "granted") return;
    const subscription = await this.#current();
    if (wish.binding !== this.#binding || wish.endpoint !== subscription?.endpoint) await this.look();
  }

  /**
   * Call it from a click: the browser asks for permission only then.
   *
   * @returns {Promise<PushStateName>}
   */
  async turnOn() {
    const permission = await this.#view.Notification.requestPermission();
    return permission === "granted" ? this.#alone(() => this.#register()) : this.#unpermitted;
  }

  /** This person's subscription here, by its id on the server. */
  get id() {
    return this.#memory.of(this.#person)?.id || undefined;
  }

  /** @returns {Promise<PushStateName>} */
  async turnOff() {
    // The server first: should the rest fail, it is sure that nothing more is sent.
    const { id } = this;
    if (id) await this.#api.remove(id);
    return this.#dropped();
  }

  /** @returns {Promise<PushStateName>} */
  async #lookAgain() {
    const wish = this.#memory.of(this.#person);
    if (!wish) return PushState.OFF;
    const subscription = await this.#current();
    // The same subscription, and gone from the server: the person removed this browser, perhaps from another one.
    const removed = wish.id && wish.endpoint === subscription?.endpoint && !(await this.#api.ids()).includes(wish.id);
    return removed ? this.#dropped() : this.#register();
  }

  /** @returns {Promise<PushStateName>} */
  async #register() {
    const key = await this.#api.key();
    const registration = await this.#registration();
    if (key === null || !registration) return PushState.UNAVAILABLE;
    const subscription = await subscribed(registration.pushManager, fromBase64Url(key));
    const { id, token } = await this.#api.register({ ...subscription.toJSON(), key });
    this.#memory.keep(this.#person, { id, endpoint: subscription.endpoint, binding: this.#binding });
    await this.#note.change({ token, key, renew: this.#renewUrl });
    return PushState.ON;
  }

  /** @returns {Promise<PushStateName>} */
  async #dropped() {
    this.#memory.forget(this.#person);
    await this.#note.change({ token: "" });
    await (await this.#current())?.unsubscribe();
    return PushState.OFF;
  }

  async #registration() {
    const container = this.#view.navigator.serviceWorker;
    if (!this.#workerUrl) return container.getRegistration();
    await container.register(this.#workerUrl, { updateViaCache: "none" });
    return container.ready;
  }

  async #current() {
    const registration = await this.#view.navigator.serviceWorker.getRegistration();
    return registration?.pushManager.getSubscription();
  }

  /**
   * In one tab at a time: of two that subscribe at once one would undo what the other does.
   *
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #alone(task) {
    const { locks } = this.#view.navigator;
    return locks ? locks.request(LOCK, task) : task();
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
