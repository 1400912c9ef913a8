// @ts-check

const WIDTH = "min(var(--nh-panel-width), 100% - 1rem)";
const LOWEST = 17.5;

/**
 * Position the panel beside its button and inside the window: below the button if there is room, aligned with its end.
 * The panel is in the top layer, so the host's page cannot clip it. The browser computes the lengths, so they grow with
 * the text.
 *
 * @param {HTMLElement} panel
 * @param {HTMLElement} button
 */
export function positionPanel(panel, button) {
  const { documentElement } = document;
  const { clientHeight } = documentElement;
  const box = button.getBoundingClientRect();
  const rem = Number.parseFloat(getComputedStyle(documentElement).fontSize);
  const start = getComputedStyle(button).direction === "rtl" ? `${box.left}px` : `${box.right}px - ${WIDTH}`;
  const below = clientHeight - box.bottom - rem;
  const above = box.top - rem;
  const up = below < LOWEST * rem && above > below;
  panel.style.setProperty("--_panel-left", `clamp(0.5rem, ${start}, 100% - ${WIDTH} - 0.5rem)`);
  panel.style.setProperty("--_panel-width", WIDTH);
  panel.style.setProperty("--_panel-height", `calc(${up ? box.top : clientHeight - box.bottom}px - 1rem)`);
  panel.style.setProperty("--_panel-top", up ? "auto" : `calc(${box.bottom}px + 0.5rem)`);
  panel.style.setProperty("--_panel-bottom", up ? `calc(${clientHeight - box.top}px + 0.5rem)` : "auto");
}
