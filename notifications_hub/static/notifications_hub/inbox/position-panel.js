// @ts-check

const MARGIN = 8;
const WIDEST = 416;
const LOWEST = 280;

/**
 * Position the panel beside its button and inside the window: below the button if there is room, aligned with its end.
 * The panel is in the top layer, so the host's page cannot clip it.
 *
 * @param {HTMLElement} panel
 * @param {HTMLElement} button
 */
export function positionPanel(panel, button) {
  const { clientWidth, clientHeight } = document.documentElement;
  const box = button.getBoundingClientRect();
  const width = Math.min(WIDEST, clientWidth - 2 * MARGIN);
  const end = getComputedStyle(button).direction === "rtl" ? box.left : box.right - width;
  const left = Math.max(MARGIN, Math.min(end, clientWidth - width - MARGIN));
  const below = clientHeight - box.bottom - 2 * MARGIN;
  const above = box.top - 2 * MARGIN;
  const up = below < LOWEST && above > below;
  panel.style.setProperty("--nh-panel-left", `${left}px`);
  panel.style.setProperty("--nh-panel-width", `${width}px`);
  panel.style.setProperty("--nh-panel-height", `${up ? above : below}px`);
  panel.style.setProperty("--nh-panel-top", up ? "auto" : `${box.bottom + MARGIN}px`);
  panel.style.setProperty("--nh-panel-bottom", up ? `${clientHeight - box.top + MARGIN}px` : "auto");
}
