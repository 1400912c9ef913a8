// @ts-check

/** A browser's cache storage with one cache, for the worker's state. @param {any} [note] */
export function fakeCaches(note) {
  const kept = { note };
  const cache = {
    match: async () => (kept.note === undefined ? undefined : Response.json(kept.note)),
    put: async (/** @type {string} */ _url, /** @type {Response} */ response) => {
      kept.note = await response.json();
    },
  };
  return { kept, caches: /** @type {any} */ ({ open: async () => cache }) };
}
