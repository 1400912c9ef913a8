// @ts-check
import { linkOf } from "./item-view.js";

const RECORDED = Symbol.for("notifications-hub.outside-clicks");

/**
 * Report clicks on links to other sites. All others lead over an address of this site, which records them.
 *
 * Several bundles of a page may ask for it, each with a copy of this module.
 */
export function recordOutsideClicks() {
  if (RECORDED in document) return;
  Object.defineProperty(document, RECORDED, { value: true });
  document.addEventListener("click", record);
  document.addEventListener("auxclick", record);
}

/** @param {MouseEvent} event */
function record({ target, button }) {
  const link = target instanceof Element ? target.closest("a[data-records]") : null;
  const url = link instanceof HTMLElement ? linkOf({ url: link.dataset.records ?? "" }, document.baseURI) : "";
  // The middle button opens a new tab, the right one only a menu.
  if (url && button <= 1) fetch(url, { redirect: "manual", keepalive: true }).catch(() => undefined);
}
