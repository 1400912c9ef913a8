// @ts-check

/** Return the session storage, or null: a browser that blocks storage throws on access. */
export function sessionMemory() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
