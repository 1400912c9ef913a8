// @ts-check

/** @typedef {Pick<LockManager, "request">} Locks */

/**
 * The lead among the tabs: a lock that one tab holds. The browser passes it on as soon as that tab is closed, navigates
 * away or is killed. Dispatches `lead-gained`, and `lead-lost` when another tab steals it.
 */
export class LeadLock extends EventTarget {
  #locks;
  #name;
  #waiting = new AbortController();
  /** Releases the lock if we hold it. @type {(() => void) | null} */
  #release = null;

  /**
   * @param {Locks} locks
   * @param {string} name
   */
  constructor(locks, name) {
    super();
    this.#locks = locks;
    this.#name = name;
  }

  /** Take the lock once it is free. */
  wait() {
    const { signal } = this.#begin();
    this.#locks.request(this.#name, { signal }, () => this.#hold(signal)).catch(() => this.#lost(signal));
  }

  /** Take the lock from a tab that does not answer. */
  steal() {
    const { signal } = this.#begin();
    this.#locks.request(this.#name, { steal: true }, () => this.#hold(signal)).catch(() => this.#lost(signal));
  }

  release() {
    this.#waiting.abort();
    this.#release?.();
    this.#release = null;
  }

  #begin() {
    this.release();
    this.#waiting = new AbortController();
    return this.#waiting;
  }

  /**
   * @param {AbortSignal} signal of the request, which may be aborted by the time it is granted
   * @returns {Promise<void>}
   */
  #hold(signal) {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#release = resolve;
      this.dispatchEvent(new Event("lead-gained"));
    });
  }

  /** @param {AbortSignal} signal */
  #lost(signal) {
    if (signal.aborted) return;
    this.#release = null;
    this.dispatchEvent(new Event("lead-lost"));
  }
}
