// @ts-check

/**
 * Make a `<details>` close like a menu, on a click elsewhere or Escape.
 *
 * @param {HTMLDetailsElement} details
 * @param {AbortSignal} signal
 */
export function makeDismissable(details, signal) {
  const pressed = (/** @type {PointerEvent} */ { target }) => {
    if (target instanceof Node && !details.contains(target)) details.open = false;
  };
  const typed = (/** @type {KeyboardEvent} */ { key }) => {
    if (key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary")?.focus();
  };
  document.addEventListener("pointerdown", pressed, { signal });
  details.addEventListener("keydown", typed, { signal });
}
