// @ts-check
/**
 * @import { InboxCards } from "./inbox-cards.js"
 * @import { InboxSelection } from "./inbox-selection.js"
 * @import { MarkName } from "./notifications-api.js"
 */
import { part } from "../shared/dom.js";
import { Keyboard } from "./keyboard.js";
import { ShortcutsDialog } from "./shortcuts-dialog.js";
import { Swipe } from "./swipe.js";

/**
 * Let swipes act, and return the shortcuts of the page, or null if its template is the site's own and lists none. Then
 * nobody could turn them off.
 *
 * @param {object} options
 * @param {HTMLElement} options.root the `<inbox-page>`
 * @param {InboxCards} options.cards
 * @param {InboxSelection} options.selection
 * @param {(mark: MarkName, card: HTMLElement) => void} options.mark
 * @param {(mark: MarkName) => void} options.bulk marks the selected cards
 * @param {AbortSignal} options.signal
 */
export function shortcutsOf({ root, cards, selection, mark, bulk, signal }) {
  new Swipe(root, mark, signal);
  if (!part(root, "shortcuts")) return null;
  const dialog = new ShortcutsDialog(root, signal);
  const markPicked = (/** @type {MarkName} */ name) => {
    const button = part(root, "bulk-actions").querySelector(`button[value=${name}]`);
    const isMeant = selection.ids.length > 0 && button !== null;
    if (isMeant) bulk(name);
    return isMeant;
  };
  const clearPicked = () => {
    const isMeant = selection.ids.length > 0;
    if (isMeant) selection.clear();
    return isMeant;
  };
  return new Keyboard({ root, cards, deeds: { mark, markPicked, clearPicked, help: () => dialog.open() }, signal });
}
