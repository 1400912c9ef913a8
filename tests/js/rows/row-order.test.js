// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareValues, insertionIndex } from "../../../notifications_hub/static/notifications_hub/rows/row-order.js";

test("numbers, times and words are compared by their type", () => {
  assert.ok(compareValues("9", "10") < 0);
  assert.ok(compareValues("2026-11-20T12:00:00.120000+01:00", "2026-11-20T11:00:00.121Z") < 0);
  assert.equal(compareValues("2026-11-20T12:00:00+01:00", "2026-11-20T11:00:00Z"), 0);
  assert.ok(compareValues("apple", "pear") < 0);
  assert.ok(compareValues("10 apples", "9 apples") < 0);
  assert.equal(compareValues("", ""), 0);
});

test("a value goes after equal values", () => {
  assert.equal(insertionIndex(["1", "2", "2", "3"], "2", { descending: false }), 3);
  assert.equal(insertionIndex(["3", "2", "2", "1"], "2", { descending: true }), 3);
  assert.equal(insertionIndex(["1", "2"], "9", { descending: false }), -1);
  assert.equal(insertionIndex([], "1", { descending: true }), -1);
});
