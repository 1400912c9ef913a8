// @ts-check
/**
 * @import { Item, ItemAction, ItemResult } from "../protocol/wire.js"
 * @import { ApiError } from "../shared/api-error.js"
 */
import { part, setText } from "../shared/dom.js";

/** The person clicked an action. Whoever handles it sets `done`. Bubbles. */
export class ItemActEvent extends Event {
  /** Resolves to the result, also if it is another person's. @type {Promise<ItemResult> | null} */
  done = null;

  /**
   * @param {string} id
   * @param {string} name of the action
   * @param {string} word
   */
  constructor(id, name, word) {
    super("item-act", { bubbles: true });
    this.id = id;
    this.name = name;
    this.word = word;
  }
}

/**
 * Show an item's actions, or the result of one, in the area of its row, card or toast. What the person is writing there
 * stays.
 *
 * @param {Element} root
 * @param {Pick<Item, "actions" | "result">} item
 */
export function fillActions(root, { actions = [], result }) {
  const area = part(root, "act-area");
  if (!area) return;
  area.hidden = actions.length === 0 && !result;
  if (result) showResult(area, result);
  else showButtons(area, actions);
}

/**
 * @param {HTMLElement} area
 * @param {ItemResult} result
 */
function showResult(area, { text, detail }) {
  // After a click with a mouse nothing keeps the focus. It would keep a toast on the screen.
  const hadFocus = area.querySelector(":focus-visible") !== null;
  for (const name of ["acts", "act-form", "act-problem"]) part(area, name).hidden = true;
  const outcome = part(area, "outcome");
  outcome.hidden = false;
  setText(part(outcome, "outcome-text"), text);
  setText(part(outcome, "outcome-detail"), detail);
  part(outcome, "outcome-detail").hidden = !detail;
  if (hadFocus) outcome.focus();
}

/**
 * @param {HTMLElement} area
 * @param {ItemAction[]} actions
 */
function showButtons(area, actions) {
  const acts = part(area, "acts");
  const shape = JSON.stringify(actions);
  if (acts.dataset.shape === shape) return;
  acts.dataset.shape = shape;
  part(area, "outcome").hidden = true;
  // The question takes the place of the buttons.
  acts.hidden = actions.length === 0 || !part(area, "act-form").hidden;
  acts.replaceChildren(...actions.map(buttonOf));
}

/** @param {ItemAction} action */
function buttonOf({ name, title, style, asks }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `nh-button nh-${style || "act"}`;
  button.dataset.act = name;
  if (asks) button.dataset.asks = JSON.stringify(asks);
  button.dir = "auto";
  button.textContent = title;
  return button;
}

/** Handles clicks on the actions of rows, cards or toasts: asks for a word if need be, and shows what went wrong. */
export class ItemActions {
  /**
   * @param {HTMLElement} scope around the rows, cards or toasts
   * @param {AbortSignal} signal
   */
  constructor(scope, signal) {
    scope.addEventListener("click", (event) => this.#click(event), { signal });
    // First of all: htmx, which may boost forms, listens to the forms themselves.
    scope.addEventListener("submit", (event) => this.#submit(event), { signal, capture: true });
    scope.addEventListener("keydown", (event) => this.#key(event), { signal, capture: true });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const control = event.target instanceof Element ? event.target.closest("[data-act], [data-part=act-cancel]") : null;
    const area = areaOf(control);
    if (!(control instanceof HTMLElement) || !area) return;
    event.preventDefault();
    if (control.dataset.part === "act-cancel") return this.#close(area);
    const { act = "", asks } = control.dataset;
    if (asks) this.#ask(area, control, JSON.parse(asks));
    else if (event.detail < 2) this.#run(area, act, "");
  }

  /**
   * @param {HTMLElement} area
   * @param {HTMLElement} control
   * @param {NonNullable<ItemAction["asks"]>} asks
   */
  #ask(area, control, { label, required, max_length: longest }) {
    const form = part(area, "act-form");
    const word = wordIn(area);
    form.dataset.name = control.dataset.act;
    setText(part(area, "act-label"), label);
    setText(part(area, "act-send"), control.textContent?.trim() ?? "");
    part(area, "act-send").classList.toggle("nh-danger", control.classList.contains("nh-danger"));
    word.required = required;
    word.maxLength = longest;
    this.#problem(area, "");
    form.hidden = false;
    part(area, "acts").hidden = true;
    word.focus();
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const area = areaOf(form);
    if (form.dataset.part !== "act-form" || !area) return;
    event.preventDefault();
    event.stopPropagation();
    this.#run(area, form.dataset.name ?? "", wordIn(area).value);
  }

  /** Keep keys that are typed into the form away from the list, and close it on Escape. @param {KeyboardEvent} event */
  #key(event) {
    const form = event.target instanceof Element ? event.target.closest("[data-part=act-form]") : null;
    const area = areaOf(form);
    if (!area) return;
    event.stopPropagation();
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.#close(area);
  }

  /** @param {HTMLElement} area */
  #close(area) {
    const form = part(area, "act-form");
    form.hidden = true;
    part(area, "acts").hidden = false;
    /** @type {HTMLElement | null} */ (area.querySelector(`[data-act="${form.dataset.name}"]`))?.focus();
  }

  /**
   * @param {HTMLElement} area
   * @param {string} name
   * @param {string} word
   */
  async #run(area, name, word) {
    if (area.ariaBusy === "true") return;
    const event = new ItemActEvent(area.closest("[data-id]")?.getAttribute("data-id") ?? "", name, word);
    area.dispatchEvent(event);
    if (!event.done) return;
    area.ariaBusy = "true";
    this.#problem(area, "");
    try {
      fillActions(area.parentElement ?? area, { result: await event.done });
      wordIn(area).value = "";
    } catch (error) {
      const { status, message } = /** @type {ApiError} */ (error);
      this.#problem(area, (status === 0 && part(area, "act-problem").dataset.offline) || message);
    } finally {
      area.ariaBusy = null;
    }
  }

  /**
   * @param {HTMLElement} area
   * @param {string} text
   */
  #problem(area, text) {
    const problem = part(area, "act-problem");
    setText(problem, text);
    problem.hidden = !text;
  }
}

/** @param {Element | null} element */
function areaOf(element) {
  return /** @type {HTMLElement | null} */ (element?.closest("[data-part=act-area]") ?? null);
}

/** @param {HTMLElement} area */
function wordIn(area) {
  return /** @type {HTMLInputElement} */ (part(area, "act-word"));
}
