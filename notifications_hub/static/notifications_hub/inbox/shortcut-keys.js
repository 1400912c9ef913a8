// @ts-check

/** Where keys belong to what has the focus. */
const TYPING = [
  "input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=reset])",
  "textarea",
  "select",
  "dialog",
  "[popover]",
  ...["dialog", "alertdialog", "menu", "listbox", "combobox", "textbox"].map((role) => `[role=${role}]`),
].join();

/**
 * Return the shortcut's key, in lower case. Return "" if the event is something else: a key with a modifier, a part of a
 * composed letter, or one that another script has handled.
 *
 * @param {Pick<KeyboardEvent, "key" | "altKey" | "ctrlKey" | "metaKey" | "isComposing" | "defaultPrevented">} event
 */
export function keyOf({ key, altKey, ctrlKey, metaKey, isComposing, defaultPrevented }) {
  if (altKey || ctrlKey || metaKey || isComposing || defaultPrevented) return "";
  return key.length === 1 ? key.toLowerCase() : key;
}

/**
 * Return whether the key belongs to what has the focus: a field, a menu, or anything in a dialog. While a modal dialog
 * is open, every key does.
 *
 * @param {EventTarget | null} target
 */
export function isTyping(target) {
  if (document.querySelector("dialog:modal")) return true;
  return target instanceof HTMLElement && (target.isContentEditable || target.closest(TYPING) !== null);
}

/**
 * Prevent a key held down from acting on the rows that move up.
 *
 * @param {KeyboardEvent} event
 */
export function preventRepeat(event) {
  if (event.key === "Enter" && event.repeat) event.preventDefault();
}
