// @ts-check
/**
 * @import { PushSwitch } from "../push/push-switch.js"
 * @import { PushStateName } from "../push/push-state.js"
 */
import { refreshDevices } from "../push/device-list.js";
import { stateOfFailure } from "../push/push-failure.js";
import { PushState, RETRYABLE, SWITCHABLE } from "../push/push-state.js";
import { pushSwitchOf } from "../push/push-switch-of.js";
import { announce } from "../shared/announcer.js";

/**
 * `<push-subscription>` with the attributes of `_push_attributes.html`: shows the state of pushes in this browser, with
 * one button to switch them. Its words are the server's: it shows the child with the matching `data-state`. The button's
 * label is its `data-turn-on`, `data-turn-off` or, after a failure, `data-try-again`.
 */
export class PushSubscriptionElement extends HTMLElement {
  /** @type {AbortController | undefined} */
  #connected;
  /** @type {PushStateName | undefined} */
  #state;
  /** What the button repeats after a failure. @type {() => Promise<PushStateName>} */
  #lastTask = async () => PushState.FAILED;

  connectedCallback() {
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    const pushes = pushSwitchOf(this);
    this.#button?.addEventListener("click", () => this.#clicked(signal, pushes), { signal });
    this.#run(signal, pushes, () => pushes.check());
  }

  disconnectedCallback() {
    this.#connected?.abort();
  }

  /** The state shown now. The attribute `state` reflects it, for style sheets and tests. */
  get state() {
    return this.#state;
  }

  /**
   * @param {AbortSignal} signal
   * @param {PushSwitch} pushes
   */
  async #clicked(signal, pushes) {
    if (this.hasAttribute("aria-busy") || !this.#state) return;
    await this.#run(signal, pushes, RETRYABLE.has(this.#state) ? this.#lastTask : this.#toggleOf(pushes));
    if (!signal.aborted) announce(this.#words?.textContent?.trim() ?? "");
  }

  /** @param {PushSwitch} pushes */
  #toggleOf(pushes) {
    return this.#state === PushState.ON ? () => pushes.turnOff() : () => pushes.turnOn();
  }

  /**
   * Run one task at a time: the button does nothing until it is done. It keeps the focus, so it is not disabled.
   *
   * @param {AbortSignal} signal
   * @param {PushSwitch} pushes
   * @param {() => Promise<PushStateName>} task
   */
  async #run(signal, pushes, task) {
    this.setAttribute("aria-busy", "true");
    this.#button?.setAttribute("aria-disabled", "true");
    this.#lastTask = task;
    const before = pushes.id;
    const state = await task().catch(failed);
    if (signal.aborted) return;
    this.#show(state);
    await refreshDevices(pushes.id, { changed: pushes.id !== before }).catch(warn);
  }

  /** @param {PushStateName} state */
  #show(state) {
    this.#state = state;
    this.setAttribute("state", state);
    this.removeAttribute("aria-busy");
    for (const words of this.#allWords) words.hidden = words.dataset.state !== state;
    this.#showButton(state);
  }

  /** @param {PushStateName} state */
  #showButton(state) {
    const button = this.#button;
    if (!button) return;
    const hadFocus = button === document.activeElement;
    button.hidden = !SWITCHABLE.has(state);
    button.removeAttribute("aria-disabled");
    button.textContent = labelFor(state, button.dataset) ?? "";
    if (button.hidden && hadFocus) this.#focusWords();
  }

  /** Keep the keyboard's place once the button is gone. */
  #focusWords() {
    const words = this.#words;
    if (!words) return;
    words.tabIndex = -1;
    words.focus();
  }

  get #words() {
    return this.#allWords.find(({ dataset }) => dataset.state === this.#state);
  }

  get #allWords() {
    return [.../** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-state]"))];
  }

  get #button() {
    return this.querySelector("button");
  }
}

/**
 * @param {PushStateName} state
 * @param {DOMStringMap} labels
 */
function labelFor(state, { turnOn, turnOff, tryAgain }) {
  if (RETRYABLE.has(state)) return tryAgain;
  return state === PushState.ON ? turnOff : turnOn;
}

/** @param {unknown} error */
function failed(error) {
  warn(error);
  return stateOfFailure(error);
}

/** @param {unknown} error */
function warn(error) {
  console.warn("Pushes could not be switched.", error);
}
