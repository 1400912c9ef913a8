// @ts-check
import { pageLanguage, part, setText } from "../shared/dom.js";
import { shortTime } from "./item-times.js";

const OWN = "own";
const MINUTE = 60_000;

/**
 * Show the times of a menu in the viewer's zone, when it opens.
 *
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 */
export function followSnoozeMenus(root, signal) {
  const fill = (/** @type {Event} */ { target }) => {
    if (target instanceof HTMLElement && target.matches(".nh-snooze-menu")) fillMenu(target);
  };
  root.addEventListener("beforetoggle", fill, { signal, capture: true });
}

/**
 * Return until when a button of a menu snoozes: the name of a choice, or a time. Return null, and ask for the time, if
 * the person has yet to give one.
 *
 * @param {HTMLButtonElement} button
 */
export function untilOf(button) {
  if (button.value !== OWN) return button.value;
  const input = inputOf(button);
  input.required = true;
  const isGiven = input.reportValidity();
  input.required = false;
  return isGiven ? new Date(input.value).toISOString() : null;
}

/**
 * Return the time that a button means, as ISO 8601, as far as the page knows.
 *
 * @param {HTMLButtonElement} button
 */
export function timeOf(button) {
  if (button.value === OWN) return new Date(inputOf(button).value).toISOString();
  return button.querySelector("[data-at]")?.getAttribute("data-at") ?? "";
}

/**
 * Show until when a card is snoozed, or nothing.
 *
 * @param {Element} card
 * @param {string} until
 */
export function showSnoozed(card, until) {
  const line = part(card, "snoozed");
  if (!line) return;
  line.hidden = !until;
  setText(line, until && (line.dataset.words ?? "").replace("{time}", shortTime(Date.parse(until))));
}

/** @param {HTMLElement} menu */
function fillMenu(menu) {
  const options = /** @type {const} */ ({ weekday: "short", hour: "numeric", minute: "2-digit" });
  const times = new Intl.DateTimeFormat(pageLanguage(), options);
  for (const one of menu.querySelectorAll("[data-at]")) {
    setText(one, times.format(Date.parse(one.getAttribute("data-at") ?? "")));
  }
  const label = part(menu, "own-label");
  setText(label, label.dataset.here ?? "");
  const input = /** @type {HTMLInputElement} */ (menu.querySelector("input"));
  input.min = localText(Date.now() + MINUTE);
}

/** @param {HTMLButtonElement} button */
function inputOf(button) {
  return /** @type {HTMLInputElement} */ (button.closest(".nh-snooze-menu")?.querySelector("input"));
}

/**
 * Return a time as a clock here shows it, for an input.
 *
 * @param {number} at
 */
function localText(at) {
  return new Date(at - new Date(at).getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}
