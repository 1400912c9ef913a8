// @ts-check

/** Among all tabs: whoever has this lock sounds, and keeps it for a while. */
const LOCK = "notifications-hub:sound";
const AT_MOST_EVERY = 5_000;
/** Two short notes, in hertz. */
const NOTES = [784, 1047];
const NOTE = 0.14;
const LOUDNESS = 0.12;
const GESTURES = ["click", "keydown", "pointerup"];

/** @type {AudioContext | null} */
let audio = null;
let soundedAt = 0;

/**
 * Prepare the sound at the person's next click or key. Before that, browsers allow none, and would log a warning.
 *
 * @param {() => boolean} isWanted asked at each click
 * @param {AbortSignal} signal
 */
export function prepareSound(isWanted, signal) {
  const ready = new AbortController();
  const prepare = () => {
    if (!navigator.userActivation?.isActive || !isWanted()) return;
    audio ??= new AudioContext();
    ready.abort();
  };
  for (const type of GESTURES) {
    document.addEventListener(type, prepare, { signal: AbortSignal.any([signal, ready.signal]), capture: true });
  }
}

/** Sound once in this browser, at most every few seconds. Without a gesture on this page it stays silent. */
export async function sound() {
  if (!audio) return;
  if (navigator.locks) await navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => lock && soundAndWait());
  else if (Date.now() - soundedAt > AT_MOST_EVERY) play();
}

/** Sound for the person who asks how it sounds. Call it in the handler of their click. */
export function playSample() {
  audio ??= new AudioContext();
  play();
}

async function soundAndWait() {
  play();
  await new Promise((resolve) => setTimeout(resolve, AT_MOST_EVERY));
}

function play() {
  if (!audio) return;
  soundedAt = Date.now();
  if (audio.state === "suspended") audio.resume();
  for (const [at, hertz] of NOTES.entries()) playNote(audio, hertz, audio.currentTime + at * NOTE);
}

/**
 * @param {AudioContext} context
 * @param {number} hertz
 * @param {number} start
 */
function playNote(context, hertz, start) {
  const [tone, loudness] = [context.createOscillator(), context.createGain()];
  tone.frequency.value = hertz;
  loudness.gain.setValueAtTime(0, start);
  loudness.gain.linearRampToValueAtTime(LOUDNESS, start + 0.015);
  loudness.gain.exponentialRampToValueAtTime(0.001, start + NOTE * 2.5);
  tone.connect(loudness).connect(context.destination);
  tone.start(start);
  tone.stop(start + NOTE * 2.5);
}
