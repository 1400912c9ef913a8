// @ts-check

const EVERY = 30_000;

/** @type {Set<() => void>} */
const callbacks = new Set();
/** @type {ReturnType<typeof setInterval> | undefined} */
let timer;

/**
 * Call back every half minute until the signal aborts. One timer serves the whole page; without callbacks no timer
 * runs.
 *
 * @param {() => void} callback
 * @param {AbortSignal} signal
 */
export function onTick(callback, signal) {
  callbacks.add(callback);
  timer ??= setInterval(tick, EVERY);
  signal.addEventListener("abort", () => forget(callback), { once: true });
}

function tick() {
  for (const callback of callbacks) callback();
}

/** @param {() => void} callback */
function forget(callback) {
  callbacks.delete(callback);
  if (callbacks.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
