// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { isOver, percentOf, quarterOf } from "../../../notifications_hub/static/notifications_hub/jobs/job-view.js";

/** @param {object} given */
const job = (given) => /** @type {any} */ ({ state: "running", done: 0, total: 0, ...given });

test("a job is over in its final states only", () => {
  assert.deepEqual(["done", "failed", "cancelled"].map(isOver), [true, true, true]);
  assert.deepEqual(["queued", "running", "retrying", "unheard-of"].map(isOver), [false, false, false, false]);
});

test("the progress stays between 0 and 100", () => {
  assert.equal(percentOf(job({ done: 1, total: 3 })), 33);
  assert.equal(percentOf(job({ done: 7, total: 3 })), 100);
  assert.equal(percentOf(job({ done: -1, total: 3 })), 0);
});

test("an unknown progress is null", () => {
  assert.equal(percentOf(job({ done: 5 })), null);
});

test("a finished job is at 100, regardless of its last count", () => {
  assert.equal(percentOf(job({ state: "done", done: 1, total: 3 })), 100);
  assert.equal(percentOf(job({ state: "failed", done: 1, total: 3 })), 33);
});

test("each quarter is announced, not each percent", () => {
  assert.deepEqual([null, 0, 24, 25, 74, 75, 100].map(quarterOf), [0, 0, 0, 25, 50, 75, 100]);
});
