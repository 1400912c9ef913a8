// @ts-check
/** @import { NotificationBellElement } from "./notification-bell-element.js" */
import { setIconBadge } from "../inbox/app-badge.js";
import { PushMemory } from "../push/push-memory.js";
import { pushApiOf, pushSwitchOf } from "../push/push-switch-of.js";
import { closeOthers, closeRead } from "../push/shown-pushes.js";
import { WorkerState } from "../push/worker-state.js";

/**
 * `<push-keeper>`, invisible on every page of a signed-in person. It records the person for the service worker, and
 * registers this browser again if needed. It also closes pushes that were read elsewhere, and updates the app's badge.
 *
 * Its attributes are those of `_push_attributes.html`, and `sign-out`, the URL of the sign-out form.
 */
export class PushKeeperElement extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    document.addEventListener("inbox-changed", (event) => this.#count(event), { signal });
    document.addEventListener("submit", (event) => this.#submitted(event), { signal });
    this.#keep().catch((error) => console.warn("The push subscription could not be checked.", error));
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  async #keep() {
    const workerState = new WorkerState();
    const { person } = await workerState.read();
    if (person !== this.#person) {
      await workerState.change({ person: this.#person });
      await closeOthers(this.#person);
    }
    await pushSwitchOf(this).keep();
    await closeRead(pushApiOf(this));
  }

  /** @param {Event} event */
  #count({ target }) {
    const bell = /** @type {NotificationBellElement} */ (target);
    setIconBadge(bell.unread);
  }

  /**
   * Remember an intended sign-out. It must be stored at once, before the page unloads.
   *
   * @param {Event} event
   */
  #submitted({ target }) {
    const signOut = this.getAttribute("sign-out");
    if (!signOut || !(target instanceof HTMLFormElement)) return;
    const { href } = new URL(signOut, document.baseURI);
    if (new URL(target.getAttribute("action") ?? "", document.baseURI).href === href) {
      new PushMemory(localStorage).leave(this.#person);
    }
  }

  get #person() {
    return this.getAttribute("person") ?? "";
  }
}
