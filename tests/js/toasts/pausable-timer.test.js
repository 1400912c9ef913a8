// @ts-check
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { PausableTimer } from "../../../notifications_hub/static/notifications_hub/toasts/pausable-timer.js";

test("paused time does not count", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const done = mock.fn();
  const timer = new PausableTimer(done, 8_000);
  timer.run();
  t.mock.timers.tick(5_000);
  timer.pause();
  t.mock.timers.tick(60_000);
  timer.run();
  t.mock.timers.tick(2_999);
  assert.equal(done.mock.callCount(), 0);
  t.mock.timers.tick(1);
  assert.equal(done.mock.callCount(), 1);
});

test("running or pausing twice has no further effect", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const done = mock.fn();
  const timer = new PausableTimer(done, 100);
  timer.pause();
  timer.run();
  timer.run();
  timer.pause();
  timer.pause();
  timer.run();
  t.mock.timers.tick(500);
  assert.equal(done.mock.callCount(), 1);
});
