// @ts-check
/**
 * @import { PushSwitch } from "../push/push-switch.js"
 * @import { PushStateName } from "../push/push-state.js"
 */
import { refreshDevices } from "../push/device-list.js";
import { PushState, SWITCHABLE } from "../push/push-state.js";
import { pushSwitchOf } from "../push/push-switch-of.js";

/**
 * `<push-subscription>` with the attributes of `_push_attributes.html`: shows the state of pushes in this browser, with
 * one button to switch them. Its words are the server's: it shows the child with the matching `data-state`. The button's
 * label is its `data-turn-on` or `data-turn-off`.
 */
export class PushSubscriptionElement extends HTMLElement {
  /** @type {AbortController | undefined} */
  #connected;
  /** @type {PushStateName | undefined} */
  #state;

  connectedCallback() {
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    const pushes = pushSwitchOf(this);
    this.#button?.addEventListener("click", () => this.#run(signal, pushes, () => this.#toggle(pushes)), { signal });
    this.#run(signal, pushes, () => pushes.check());
  }

  disconnectedCallback() {
    this.#connected?.abort();
  }

  /** The state shown now. The attribute `state` reflects it, for style sheets and tests. */
  get state() {
    return this.#state;
  }

  /** @param {PushSwitch} pushes */
  #toggle(pushes) {
    return this.#state === PushState.ON ? pushes.turnOff() : pushes.turnOn();
  }

  /**
   * Run one task at a time: the button is disabled until it is done.
   *
   * @param {AbortSignal} signal
   * @param {PushSwitch} pushes
   * @param {() => Promise<PushStateName>} task
   */
  async #run(signal, pushes, task) {
    this.setAttribute("aria-busy", "true");
    if (this.#button) this.#button.disabled = true;
    const before = pushes.id;
    const state = await task().catch(failed);
    if (signal.aborted) return;
    this.#show(state);
    await refreshDevices(pushes.id, { changed: pushes.id !== before });
  }

  /** @param {PushStateName} state */
  #show(state) {
    this.#state = state;
    this.setAttribute("state", state);
    this.removeAttribute("aria-busy");
    for (const words of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-state]"))) {
      words.hidden = words.dataset.state !== state;
    }
    this.#showButton(state);
  }

  /** @param {PushStateName} state */
  #showButton(state) {
    const button = this.#button;
    if (!button) return;
    button.hidden = !SWITCHABLE.has(state);
    button.disabled = false;
    button.textContent = (state === PushState.ON ? button.dataset.turnOff : button.dataset.turnOn) ?? "";
  }

  get #button() {
    return this.querySelector("button");
  }
}

/** @param {unknown} error */
function failed(error) {
  console.warn("Pushes could not be switched.", error);
  return PushState.FAILED;
}
