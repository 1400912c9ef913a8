// @ts-check
/** @import { NotificationBellElement } from "./notification-bell-element.js" */
import { setIconBadge } from "../inbox/app-badge.js";
import { PushMemory } from "../push/push-memory.js";
import { pushApiOf, pushSwitchOf } from "../push/push-switch-of.js";
import { closeOthers, closeRead } from "../push/shown-pushes.js";
import { WorkerState } from "../push/worker-state.js";

/**
 * `<push-keeper>`, on every page of someone who is signed in: writes down for the service worker who that is, registers
 * this browser again when it has to be, takes what was read elsewhere off the screen and counts on the app's icon. Shows
 * nothing. Its attributes are in `_push_attributes.html`, and `sign-out`, the URL of the form that signs out.
 */
export class PushKeeperElement extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    document.addEventListener("inbox-changed", (event) => this.#count(event), { signal });
    document.addEventListener("submit", (event) => this.#submitted(event), { signal });
    this.#keep().catch((error) => console.warn("Pushes could not be looked after.", error));
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  async #keep() {
    const note = new WorkerState();
    const { person } = await note.read();
    if (person !== this.#person) {
      await note.change({ person: this.#person });
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

  /** Before the page goes: what is stored here at once tells the next one that the person meant it. @param {Event} event */
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
