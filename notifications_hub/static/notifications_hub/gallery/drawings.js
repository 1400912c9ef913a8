// @ts-check
/** @import { Item } from "../protocol/wire.js" */
import { badgeOf } from "../inbox/item-view.js";
import { NotificationList } from "../inbox/notification-list.js";
import { copyOf, part, setText } from "../shared/dom.js";
import { Toast } from "../toasts/toast.js";

/**
 * A place to draw in, the page's templates, and the values of a state.
 *
 * @typedef {object} Canvas
 * @property {HTMLElement} root
 * @property {Element} parts
 * @property {any} values
 */

/** The drawings by the name in `draws`. They use the product's own code. @type {Record<string, (canvas: Canvas) => void>} */
export const DRAWINGS = { bell, panel, row, toast, notice, connection, push };

const BODIES = ["list", "loading", "empty", "failed", "signed-out"];

/** @param {Canvas} canvas */
function bell({ root, parts, values: { unread, unseen } }) {
  const button = part(copyOf(parts, "bell"), "button");
  const badge = part(button, "badge");
  badge.hidden = unread === 0;
  setText(badge, badgeOf(unread));
  const { labelSome = "", labelNone = "" } = button.dataset;
  button.setAttribute("aria-label", unread ? labelSome.replace("{count}", badgeOf(unread)) : labelNone);
  root.dataset.unseen = String(unseen);
  part(root, "drawing").replaceChildren(button);
}

/** @param {Canvas} canvas */
function panel({ root, parts, values: { shows, connection, items } }) {
  const shown = part(copyOf(parts, "bell"), "panel");
  shown.removeAttribute("popover");
  for (const name of BODIES) part(shown, name).hidden = name !== shows;
  part(shown, "read-all").hidden = items.length === 0;
  const label = part(shown, "state");
  label.dataset.state = connection;
  setText(part(label, "state-text"), label.getAttribute(`data-text-${connection}`) ?? "");
  part(root, "drawing").replaceChildren(shown);
  rowsIn(part(shown, "list"), parts, items);
}

/** @param {Canvas} canvas */
function row({ root, parts, values: { item } }) {
  rowsIn(part(root, "drawing"), parts, [item]);
}

/**
 * @param {HTMLElement} list in the document, whose language the times have
 * @param {Element} parts
 * @param {Item[]} items
 */
function rowsIn(list, parts, items) {
  new NotificationList(list, () => copyOf(parts, "row")).render(items);
}

/** @param {Canvas} canvas */
function toast({ root, parts, values: { item } }) {
  // Its time never runs, so it stays.
  const { element } = new Toast(item, copyOf(parts, "toast"), () => {});
  part(root, "drawing").replaceChildren(element);
}

/** @param {Canvas} canvas */
function notice({ root, values: { text, action } }) {
  const bar = part(root, "notice");
  bar.hidden = false;
  setText(part(bar, "notice-text"), bar.getAttribute(`data-${text}`) ?? "");
  setText(part(bar, "notice-action"), bar.getAttribute(`data-${action}`) ?? "");
  bar.toggleAttribute("data-failed", action === "retry");
}

/** @param {Canvas} canvas */
function connection({ root, values: { text, retries } }) {
  const bar = part(root, "connection");
  bar.hidden = false;
  setText(part(bar, "connection-text"), (bar.getAttribute(`data-${text}`) ?? "").replace("{seconds}", "8"));
  part(bar, "connection-retry").hidden = !retries;
}

/** @param {Canvas} canvas */
function push({ root, values: { state } }) {
  const element = /** @type {HTMLElement} */ (root.querySelector("push-subscription"));
  element.setAttribute("state", state);
  for (const words of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-state]"))) {
    words.hidden = words.dataset.state !== state;
  }
  const button = /** @type {HTMLButtonElement} */ (element.querySelector("button"));
  const { turnOn = "", turnOff = "", tryAgain = "" } = button.dataset;
  /** @type {Record<string, string>} */
  const labels = { default: turnOn, off: turnOn, on: turnOff, offline: tryAgain, worker: tryAgain, failed: tryAgain };
  const label = labels[state] ?? "";
  button.hidden = !label;
  setText(button, label);
}
