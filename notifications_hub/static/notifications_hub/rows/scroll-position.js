// @ts-check

/**
 * Changes a list without moving what the reader looks at. Browsers do that by themselves, all but Safari.
 *
 * @param {Element} list
 * @param {() => void} change
 */
export function keepScrollPosition(list, change) {
  if (CSS.supports("overflow-anchor", "auto")) return change();
  const seen = [...list.children].find((row) => row.getBoundingClientRect().bottom > 0);
  const before = seen?.getBoundingClientRect().top ?? 0;
  change();
  // At the very top one wants to see what comes.
  if (seen?.isConnected && window.scrollY > 0) window.scrollBy(0, seen.getBoundingClientRect().top - before);
}
