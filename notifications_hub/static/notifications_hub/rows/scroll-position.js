// @ts-check

/**
 * Change a list without moving the rows in view. All browsers but Safari do that by themselves.
 *
 * @param {Element} list
 * @param {() => void} change
 */
export function keepScrollPosition(list, change) {
  if (CSS.supports("overflow-anchor", "auto")) return change();
  const seen = [...list.children].find((row) => row.getBoundingClientRect().bottom > 0);
  const before = seen?.getBoundingClientRect().top ?? 0;
  change();
  // At the very top the reader wants to see new rows.
  if (seen?.isConnected && window.scrollY > 0) window.scrollBy(0, seen.getBoundingClientRect().top - before);
}
