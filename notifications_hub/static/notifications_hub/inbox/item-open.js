// @ts-check

/**
 * The person follows an item's link in this tab. Bubbles. A page that opens it itself, as a single-page application
 * does, cancels it.
 */
export class ItemOpenEvent extends Event {
  /**
   * @param {string} id
   * @param {string} url
   */
  constructor(id, url) {
    super("item-open", { bubbles: true, cancelable: true });
    this.id = id;
    this.url = url;
  }
}

/**
 * Offer clicks on items' links to the page's own script, before the browser follows them.
 *
 * @param {HTMLElement} scope around the rows, cards or toasts
 * @param {AbortSignal} signal
 */
export function offerLinks(scope, signal) {
  scope.addEventListener("click", offer, { signal });
}

/** @param {MouseEvent} event */
function offer(event) {
  const link = event.target instanceof Element ? event.target.closest("a[data-part=link][href]") : null;
  const id = link?.closest("[data-id]")?.getAttribute("data-id");
  const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link?.hasAttribute("target");
  if (!link || !id || elsewhere || event.defaultPrevented) return;
  if (link.dispatchEvent(new ItemOpenEvent(id, link.getAttribute("href") ?? ""))) return;
  event.preventDefault();
  // The person has left the panel, but no page was left.
  /** @type {HTMLElement | null} */ (link.closest("[popover]:not([popover=manual])"))?.hidePopover();
}
