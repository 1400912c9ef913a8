// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { isArmed, startOf } from "../../../notifications_hub/static/notifications_hub/inbox/swipe-path.js";

test("a short way means nothing yet, a flat one swipes, and any other scrolls", () => {
  assert.equal(startOf(8, 8), "");
  assert.equal(startOf(-30, 4), "swipe");
  assert.equal(startOf(30, -19), "swipe");
  assert.equal(startOf(30, 21), "scroll");
  assert.equal(startOf(0, 30), "scroll");
});

test("a swipe acts beyond a part of the card, on a wide card after a fixed way", () => {
  assert.equal(isArmed(-100, 300), false);
  assert.equal(isArmed(-110, 300), true);
  assert.equal(isArmed(139, 2000), false);
  assert.equal(isArmed(141, 2000), true);
});
