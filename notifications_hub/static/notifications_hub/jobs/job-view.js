// @ts-check
/** @import { Job } from "../protocol/wire.js" */

const OVER = new Set(["done", "failed", "cancelled"]);
const QUARTER = 25;

/** A job shown on this page has ended. Bubbles. */
export class TaskEndedEvent extends Event {
  /** @param {Job} job */
  constructor(job) {
    super("task-ended", { bubbles: true });
    this.job = job;
  }
}

/** @param {string} state */
export function isOver(state) {
  return OVER.has(state);
}

/**
 * Return the progress of a job from 0 to 100, or null if it is unknown.
 *
 * @param {Job} job
 */
export function percentOf({ state, done, total }) {
  if (state === "done") return 100;
  return total > 0 ? Math.round(100 * Math.min(1, Math.max(0, done / total))) : null;
}

/**
 * Return the last quarter reached. Screen readers announce each quarter once, since reading every percent is no help.
 *
 * @param {number | null} percent
 */
export function quarterOf(percent) {
  return percent === null ? 0 : Math.floor(percent / QUARTER) * QUARTER;
}
