// @ts-check
/**
 * @import { PushApi } from "./push-api.js"
 * @import { PushStateName } from "./push-state.js"
 */
import { PushFailure, subscribeFailure } from "./push-failure.js";
import { PushMemory } from "./push-memory.js";
import { PushState } from "./push-state.js";
import { workerOfSite } from "./worker-of-site.js";
import { WorkerState } from "./worker-state.js";

const LOCK = "notifications-hub.push";

/** A switch for pushes to this browser. Methods return the resulting state, or throw a `PushFailure` or an `ApiError`. */
export class PushSwitch {
  #api;
  #workerUrl;
  #renewUrl;
  #person;
  #binding;
  #view;
  #memory;
  #workerState;

  /**
   * @param {object} options
   * @param {PushApi} options.api
   * @param {string} options.workerUrl "" if the site has a worker of its own
   * @param {string} options.renewUrl
   * @param {string} options.person the owner: browsers may be shared, but the permission is the browser's
   * @param {string} options.binding registers the browser again if it differs from the last one; "" while push is off
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
    this.#workerState = new WorkerState(view.caches);
  }

  /**
   * Return the state without asking the person. A browser that is on is registered again. That renews a subscription if
   * the browser dropped it or the site has a new key, and resumes one that was paused.
   *
   * @returns {Promise<PushStateName>}
   */
  async check() {
    if (!this.#supported) return this.#missing;
    if ((await this.#api.key()) === null) return PushState.UNAVAILABLE;
    if (this.#view.Notification.permission !== "granted") return this.#unpermitted;
    return this.#exclusive(() => this.#checkRegistered());
  }

  /** Register again if something changed. Every page calls this; without a change it sends no request. */
  async keep() {
    const optIn = this.#memory.of(this.#person);
    if (!optIn || !this.#binding || !this.#supported || this.#view.Notification.permission !== "granted") return;
    const subscription = await this.#current();
    if (optIn.binding !== this.#binding || optIn.endpoint !== subscription?.endpoint) await this.check();
  }

  /**
   * Switch on. Call it from a click: browsers ask for permission only then.
   *
   * @returns {Promise<PushStateName>}
   */
  async turnOn() {
    const permission = await this.#view.Notification.requestPermission();
    return permission === "granted" ? this.#exclusive(() => this.#register()) : this.#unpermitted;
  }

  /** The id of this person's subscription on the server, if they have one here. */
  get id() {
    return this.#memory.of(this.#person)?.id || undefined;
  }

  /** @returns {Promise<PushStateName>} */
  async turnOff() {
    // The server comes first: even if the rest fails, nothing more is sent.
    const { id } = this;
    if (id) await this.#api.remove(id);
    return this.#drop();
  }

  /** @returns {Promise<PushStateName>} */
  async #checkRegistered() {
    const optIn = this.#memory.of(this.#person);
    if (!optIn) return PushState.OFF;
    const subscription = await this.#current();
    // The same subscription, but gone from the server: the person removed this browser, perhaps in another one.
    const removed =
      optIn.id && optIn.endpoint === subscription?.endpoint && !(await this.#api.ids()).includes(optIn.id);
    return removed ? this.#drop() : this.#register();
  }

  /** @returns {Promise<PushStateName>} */
  async #register() {
    const key = await this.#api.key();
    const registration = await this.#registration();
    if (key === null || !registration) return PushState.UNAVAILABLE;
    const subscription = await this.#subscribed(registration.pushManager, fromBase64Url(key));
    const { id, token } = await this.#api.register({ ...subscription.toJSON(), key });
    this.#memory.keep(this.#person, { id, endpoint: subscription.endpoint, binding: this.#binding });
    await this.#workerState.change({ token, key, renew: this.#renewUrl });
    return PushState.ON;
  }

  /** @returns {Promise<PushStateName>} */
  async #drop() {
    this.#memory.forget(this.#person);
    await this.#workerState.change({ token: "" });
    await (await this.#current())?.unsubscribe();
    return PushState.OFF;
  }

  async #registration() {
    const container = this.#view.navigator.serviceWorker;
    if (!this.#workerUrl) return container.getRegistration();
    const existing = await this.#workerOfSite(container);
    if (existing) return existing;
    try {
      await container.register(this.#workerUrl, { updateViaCache: "none" });
    } catch (error) {
      throw new PushFailure(this.#online ? PushState.WORKER : PushState.OFFLINE, error);
    }
    return container.ready;
  }

  /** @param {ServiceWorkerContainer} container */
  async #workerOfSite(container) {
    try {
      return await workerOfSite(container, this.#workerUrl, this.#view.fetch.bind(this.#view));
    } catch (error) {
      throw new PushFailure(PushState.FAILED, error);
    }
  }

  /**
   * @param {PushManager} pushManager
   * @param {Uint8Array<ArrayBuffer>} key
   */
  async #subscribed(pushManager, key) {
    try {
      return await subscribed(pushManager, key);
    } catch (error) {
      throw subscribeFailure(error, this.#online);
    }
  }

  get #online() {
    return this.#view.navigator.onLine !== false;
  }

  async #current() {
    const registration = await this.#view.navigator.serviceWorker.getRegistration();
    return registration?.pushManager.getSubscription();
  }

  /**
   * Run the task in one tab at a time: of two tabs that subscribe at once, one would undo the other's work.
   *
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #exclusive(task) {
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
