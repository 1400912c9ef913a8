// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../../../notifications_hub/static/notifications_hub/protocol/backoff.js";

test("the ceiling doubles with each try", () => {
  const most = [0, 1, 2, 3].map((tries) => backoff(tries, () => 1));
  assert.deepEqual(most, [1_000, 2_000, 4_000, 8_000]);
});

test("it never waits longer than a minute", () => {
  for (const tries of [6, 10, 100, 5_000])
    assert.equal(
      backoff(tries, () => 1),
      60_000,
    );
});

test("the jitter is full and starts at zero", () => {
  assert.equal(
    backoff(5, () => 0),
    0,
  );
  assert.equal(
    backoff(5, () => 0.5),
    16_000,
  );
});
