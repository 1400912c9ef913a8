// @ts-check
/** @import { Job } from "../protocol/wire.js" */

/** A job that this page shows has ended. Bubbles. */
export class TaskEndedEvent extends Event {
  /** @param {Job} job */
  constructor(job) {
    super("task-ended", { bubbles: true });
    this.job = job;
  }
}
