// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { CountCheck } from "../../../notifications_hub/static/notifications_hub/inbox/count-check.js";

/** @param {import("node:test").TestContext} t */
function aCheck(t) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  const ask = t.mock.fn(async () => {});
  return { ask, check: new CountCheck(ask, () => 1), tick: (/** @type {number} */ ms) => settle(t, ms) };
}

/**
 * @param {import("node:test").TestContext} t
 * @param {number} ms
 */
async function settle(t, ms) {
  t.mock.timers.tick(ms);
  await Promise.resolve();
  await Promise.resolve();
}

test("several simultaneous doubts cause one request", async (t) => {
  const { ask, check, tick } = aCheck(t);
  for (let count = 0; count < 50; count += 1) check.soon();
  await tick(800);
  assert.equal(ask.mock.callCount(), 1);
});

test("an event that changes a count causes no request by itself", async (t) => {
  const { ask, check, tick } = aCheck(t);
  check.countChanged();
  await tick(10_000);
  assert.equal(ask.mock.callCount(), 0);
});

test("an event close to an answer causes another request", async (t) => {
  const { ask, check, tick } = aCheck(t);
  check.soon();
  await tick(800);
  await tick(1_000);
  check.countChanged();
  await tick(800);
  assert.equal(ask.mock.callCount(), 2);
  await tick(2_001);
  check.countChanged();
  await tick(10_000);
  assert.equal(ask.mock.callCount(), 2);
});

test("a late event may be included in any answer, so it causes a request", async (t) => {
  const { ask, check, tick } = aCheck(t);
  check.countChanged({ late: true });
  await tick(800);
  assert.equal(ask.mock.callCount(), 0);
  check.soon();
  await tick(800);
  await tick(60_000);
  check.countChanged({ late: true });
  await tick(800);
  assert.equal(ask.mock.callCount(), 2);
});

test("it sends no request after it was stopped", async (t) => {
  const { ask, check, tick } = aCheck(t);
  check.soon();
  check.stop();
  await tick(10_000);
  assert.equal(ask.mock.callCount(), 0);
});
