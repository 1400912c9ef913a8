// @ts-check

/** Pixels after which a finger's way shows what it wants. */
const SLOP = 12;
/** A swipe acts beyond this part of the card's width, at most after so many pixels. */
const PART = 0.35;
const MOST = 140;

/**
 * Return what a finger began: a swipe, a scroll, or nothing that is clear yet.
 *
 * @param {number} dx
 * @param {number} dy
 * @returns {"swipe" | "scroll" | ""}
 */
export function startOf(dx, dy) {
  const [across, along] = [Math.abs(dx), Math.abs(dy)];
  if (Math.max(across, along) < SLOP) return "";
  return across > along * 1.5 ? "swipe" : "scroll";
}

/**
 * Return whether a swipe acts if the finger is lifted now.
 *
 * @param {number} dx
 * @param {number} width of the card
 */
export function isArmed(dx, width) {
  return Math.abs(dx) > Math.min(MOST, width * PART);
}
