// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { TopicPositions, Verdict } from "../../../notifications_hub/static/notifications_hub/client/topic-positions.js";

test("the first event of a topic is always accepted", () => {
  assert.equal(new TopicPositions().judge("inbox", 4711), Verdict.NEXT);
});

test("the following number is next, a known one is old, and a skipped one is a gap", () => {
  const positions = new TopicPositions();
  positions.judge("inbox", 5);
  assert.equal(positions.judge("inbox", 6), Verdict.NEXT);
  assert.equal(positions.judge("inbox", 6), Verdict.OLD);
  assert.equal(positions.judge("inbox", 1), Verdict.OLD);
  assert.equal(positions.judge("inbox", 8), Verdict.GAP);
});

test("a gap does not change the position", () => {
  const positions = new TopicPositions();
  positions.judge("inbox", 5);
  positions.judge("inbox", 9);
  assert.equal(positions.judge("inbox", 6), Verdict.NEXT);
});

test("topics are independent of each other", () => {
  const positions = new TopicPositions();
  positions.judge("inbox", 5);
  assert.equal(positions.judge("everyone", 900), Verdict.NEXT);
});

test("an unlogged event is always new and does not change the position", () => {
  const positions = new TopicPositions();
  positions.judge("room.lobby", 5);
  assert.equal(positions.judge("room.lobby", null), Verdict.NEXT);
  assert.equal(positions.judge("room.lobby", 6), Verdict.NEXT);
});

test("a forgotten topic starts again, even at a lower number", () => {
  const positions = new TopicPositions();
  positions.judge("inbox", 500);
  positions.forget("inbox");
  assert.equal(positions.judge("inbox", 1), Verdict.NEXT);
});
