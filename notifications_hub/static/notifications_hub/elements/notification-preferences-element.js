// @ts-check
/** @import { HubEvent } from "../client/hub-events.js" */
/** @import { Control } from "../preferences/switch-board.js" */
/** @import { PreferenceChange } from "../preferences/preference-api.js" */
import { KindFinder } from "../preferences/kind-finder.js";
import { PreferenceApi } from "../preferences/preference-api.js";
import { SaveLine } from "../preferences/save-line.js";
import { SwitchBoard } from "../preferences/switch-board.js";

/**
 * `<notification-preferences api="…" csrf="…">` around the preferences form: saves each switch at once, and follows changes that
 * other pages make. Its words are attributes. Without a script, the form has a button.
 */
export class NotificationPreferencesElement extends HTMLElement {
  /** @type {AbortController | undefined} */
  #connected;
  /** Changes are sent one after the other, so that the last one wins. @type {Promise<void>} */
  #line = Promise.resolve();
  #waiting = 0;

  connectedCallback() {
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    const api = new PreferenceApi({ base: this.getAttribute("api") ?? "", csrf: this.getAttribute("csrf") ?? "" });
    const board = new SwitchBoard(this);
    const finder = new KindFinder(this);
    this.addEventListener("change", ({ target }) => this.#changed(target, api, board), { signal });
    this.addEventListener("submit", (event) => this.#submitted(/** @type {SubmitEvent} */ (event), api, board), {
      signal,
    });
    this.addEventListener("input", ({ target }) => isSearch(target) && finder.find(target.value), { signal });
    window.addEventListener("hashchange", () => finder.reveal(), { signal });
    const follow = () => this.#follow(api, board);
    document.addEventListener("hub-event", (event) => isOurs(event) && follow(), { signal });
    document.addEventListener("hub-reset", follow, { signal });
    window.addEventListener("pageshow", ({ persisted }) => persisted && follow(), { signal });
    finder.reveal();
  }

  disconnectedCallback() {
    this.#connected?.abort();
  }

  /**
   * @param {EventTarget | null} input
   * @param {PreferenceApi} api
   * @param {SwitchBoard} board
   */
  #changed(input, api, board) {
    if (input instanceof HTMLSelectElement) this.#digestChanged(input, api, board);
    if (!(input instanceof HTMLInputElement)) return;
    const { whole, kind, method } = input.dataset;
    if (whole) this.#switchMany(input, whole, api, board);
    if (!kind || !method) return;
    const change = { kinds: { [kind]: { methods: { [method]: input.checked } } } };
    this.#save({ change, row: rowOf(input), controls: [input] }, api, board);
  }

  /**
   * @param {HTMLSelectElement} list
   * @param {PreferenceApi} api
   * @param {SwitchBoard} board
   */
  #digestChanged(list, api, board) {
    const kind = list.dataset.digest;
    if (!kind) return;
    // The page proposes this zone too, but the person may not save it.
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const change = { kinds: { [kind]: { digest: list.value } }, zone };
    this.#save({ change, row: rowOf(list), controls: [list] }, api, board);
  }

  /**
   * @param {HTMLInputElement} whole
   * @param {string} method
   * @param {PreferenceApi} api
   * @param {SwitchBoard} board
   */
  #switchMany(whole, method, api, board) {
    const row = rowOf(whole);
    const states = { [method]: whole.checked };
    const group = row.dataset.group;
    const change = group === undefined ? { all: states } : { groups: { [group]: states } };
    this.#save({ change, row, controls: board.under(whole) }, api, board);
  }

  /**
   * Save by the button of a kind, which follows the site's defaults again.
   *
   * @param {SubmitEvent} event
   * @param {PreferenceApi} api
   * @param {SwitchBoard} board
   */
  #submitted(event, api, board) {
    event.preventDefault();
    const button = event.submitter;
    if (!(button instanceof HTMLButtonElement) || button.name !== "reset") return;
    const change = { kinds: { [button.value]: { reset: true } } };
    this.#save({ change, row: rowOf(button), controls: [] }, api, board);
  }

  /**
   * Send a change. If that fails, put the switches back and offer to try again.
   *
   * @param {{change: PreferenceChange, row: HTMLElement, controls: Control[]}} saved
   * @param {PreferenceApi} api
   * @param {SwitchBoard} board
   */
  #save(saved, api, board) {
    const { change, row, controls } = saved;
    const line = new SaveLine(row, this.dataset);
    board.want(controls, wantedBy(change));
    line.saving();
    this.#waiting += 1;
    this.#line = this.#line.then(async () => {
      try {
        const preferences = await api.change(change);
        this.#waiting -= 1;
        board.confirm(preferences, { show: this.#waiting === 0 });
        line.saved();
      } catch (error) {
        this.#waiting -= 1;
        board.putBack(controls);
        line.failed(error, () => this.#save(saved, api, board));
      }
    });
  }

  /**
   * Show what another page has changed. A change of this page that is under way brings the newest state itself.
   *
   * @param {PreferenceApi} api
   * @param {SwitchBoard} board
   */
  async #follow(api, board) {
    if (this.#waiting > 0) return;
    try {
      const preferences = await api.read();
      if (this.#waiting === 0) board.confirm(preferences, { show: true });
    } catch (error) {
      console.warn("The preferences could not be read.", error);
    }
  }
}

/** @param {Element} element */
function rowOf(element) {
  return /** @type {HTMLElement} */ (element.closest("tr"));
}

/**
 * Return the state that a change wants of its controls.
 *
 * @param {PreferenceChange} change
 */
function wantedBy({ all, groups = {}, kinds = {} }) {
  const [kind] = Object.values(kinds);
  const states = all ?? Object.values(groups)[0] ?? kind?.methods ?? {};
  return kind?.digest ?? Object.values(states)[0];
}

/**
 * @param {EventTarget | null} target
 * @returns {target is HTMLInputElement}
 */
function isSearch(target) {
  return target instanceof HTMLInputElement && target.dataset.part === "find";
}

/** @param {Event} event */
function isOurs(event) {
  return /** @type {HubEvent} */ (event).kind === "preferences.updated";
}
