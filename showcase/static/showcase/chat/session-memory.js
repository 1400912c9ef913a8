// @ts-check

/** A browser that keeps nothing for this site throws at the mere question. */
export function sessionMemory() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
