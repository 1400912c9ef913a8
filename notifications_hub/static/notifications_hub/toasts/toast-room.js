// @ts-check

/** How many toasts a page keeps at most. A small screen shows them one at a time. */
export const AT_ONCE = 3;
/** The same for those that stay until they are closed. */
const MOST_THAT_STAY = 10;

/** @typedef {{stays: boolean, busy: boolean}} Kept busy: the person is looking at it, so it is not taken away */

/**
 * Return which toasts are too many, and which of the others there is room for: the newest. The rest waits.
 *
 * @template {Kept} T
 * @param {T[]} toasts oldest first
 * @param {number} room how many the screen shows
 * @returns {{dropped: T[], shown: T[]}}
 */
export function fit(toasts, room) {
  const dropped = [...excess(toasts, false, AT_ONCE), ...excess(toasts, true, MOST_THAT_STAY)];
  const kept = toasts.filter((toast) => !dropped.includes(toast));
  const busy = kept.filter((toast) => toast.busy);
  const idle = kept.filter((toast) => !toast.busy).reverse();
  return { dropped, shown: [...busy, ...idle.slice(0, Math.max(0, room - busy.length))] };
}

/**
 * @template {Kept} T
 * @param {T[]} toasts
 * @param {boolean} stays
 * @param {number} most
 */
function excess(toasts, stays, most) {
  const alike = toasts.filter((toast) => toast.stays === stays);
  return alike.filter((toast) => !toast.busy).slice(0, Math.max(0, alike.length - most));
}
