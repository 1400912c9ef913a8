// @ts-check
/**
 * @import { FeedStateName } from "./inbox-feed.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 * @import { InboxStore } from "./inbox-store.js"
 */
import { part, setText } from "../shared/dom.js";
import { onTick } from "../shared/ticker.js";
import { FeedState } from "./inbox-feed.js";
import { NotificationList } from "./notification-list.js";
import { positionPanel } from "./position-panel.js";

const ROWS = 20;

/**
 * Callbacks for the person's actions in the panel.
 *
 * @typedef {object} Actions
 * @property {() => void} opened
 * @property {() => void} retry
 * @property {() => void} readAll
 * @property {(id: string) => void} read
 * @property {(id: string) => void} archive
 */

/**
 * The panel that the bell's button opens. The browser's popover opens it, closes it on Escape or a click outside, and
 * restores the focus.
 */
export class NotificationPanel {
  #panel;
  #button;
  #actions;
  #list;

  /**
   * @param {object} options
   * @param {HTMLElement} options.panel
   * @param {HTMLButtonElement} options.button
   * @param {() => HTMLElement} options.newRow
   * @param {Actions} options.actions
   * @param {AbortSignal} options.signal
   */
  constructor({ panel, button, newRow, actions, signal }) {
    this.#panel = panel;
    this.#button = button;
    this.#actions = actions;
    this.#list = new NotificationList(part(panel, "list"), newRow);
    button.popoverTargetElement = panel;
    this.#listen(signal);
  }

  get open() {
    return this.#panel.matches(":popover-open");
  }

  /**
   * @param {InboxStore} store
   * @param {FeedStateName} state
   */
  render(store, state) {
    const items = store.items.slice(0, ROWS);
    const bare = items.length === 0;
    this.#list.render(items);
    this.#show("list", !bare);
    this.#show("loading", bare && state === FeedState.LOADING);
    this.#show("failed", bare && state === FeedState.FAILED);
    this.#show("empty", bare && state === FeedState.READY);
    this.#show("read-all", store.unread > 0 && state === FeedState.READY);
  }

  /** @param {HubStateName} state */
  renderState(state) {
    const label = part(this.#panel, "state");
    label.dataset.state = state;
    label.title = label.getAttribute(`data-text-${state}`) ?? "";
    setText(part(label, "state-text"), label.title);
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const panel = this.#panel;
    panel.addEventListener("beforetoggle", ({ newState }) => newState === "open" && this.#place(), { signal });
    panel.addEventListener("toggle", ({ newState }) => this.#toggled(newState === "open"), { signal });
    panel.addEventListener("keydown", (event) => this.#key(event), { signal });
    panel.addEventListener("focusout", (event) => this.#focusLeft(event), { signal });
    panel.addEventListener("click", (event) => this.#click(event), { signal });
    window.addEventListener("resize", () => this.open && this.#place(), { signal });
    window.addEventListener("scroll", () => this.open && this.#place(), { signal, passive: true });
    onTick(() => this.open && this.#list.tick(), signal);
  }

  #place() {
    positionPanel(this.#panel, this.#button);
  }

  /** @param {boolean} open */
  #toggled(open) {
    this.#button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    this.#panel.focus();
    this.#actions.opened();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    this.#list.moveFocus(event.key === "ArrowDown" ? 1 : -1);
  }

  /** @param {FocusEvent} event */
  #focusLeft({ relatedTarget }) {
    const left = relatedTarget instanceof Node && !this.#panel.contains(relatedTarget);
    if (left && relatedTarget !== this.#button) this.#panel.hidePopover();
  }

  /** @param {MouseEvent} event */
  #click({ target }) {
    const control = target instanceof Element ? target.closest("a[data-part], button[data-part]") : null;
    const id = control?.closest("[data-id]")?.getAttribute("data-id") ?? "";
    switch (control?.getAttribute("data-part")) {
      case "read-all":
        return this.#actions.readAll();
      case "retry":
        return this.#actions.retry();
      case "link":
      case "read":
        return this.#actions.read(id);
      case "archive":
        return this.#actions.archive(id);
    }
  }

  /**
   * @param {string} name
   * @param {boolean} visible
   */
  #show(name, visible) {
    part(this.#panel, name).hidden = !visible;
  }
}
