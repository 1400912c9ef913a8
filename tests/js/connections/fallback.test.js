// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fallback } from "../../../notifications_hub/static/notifications_hub/connections/fallback.js";

const NAMES = ["ws", "sse", "poll"];
const [WS, SSE, POLL] = [0, 1, 2];

/** @returns {import("../../../notifications_hub/static/notifications_hub/connections/fallback.js").Memory} */
function aMemory() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
}

test("it begins with the best, and goes down at once past what never worked", () => {
  const fallback = new Fallback(NAMES);
  assert.equal(fallback.level, WS);
  assert.equal(fallback.failed(WS), SSE);
  assert.equal(fallback.failed(SSE), POLL);
});

test("where nothing works it waits and begins again where it began", () => {
  const fallback = new Fallback(NAMES);
  for (const level of [WS, SSE]) fallback.failed(level);
  assert.equal(fallback.failed(POLL), null);
  assert.equal(fallback.level, WS);
});

test("one that has worked is tried again before another is", () => {
  const fallback = new Fallback(NAMES);
  fallback.worked(WS);
  assert.deepEqual([fallback.failed(WS), fallback.failed(WS), fallback.failed(WS)], [null, null, SSE]);
});

test("another that works then is trusted like the one before it", () => {
  const fallback = new Fallback(NAMES);
  fallback.worked(WS);
  for (let failures = 0; failures < 3; failures += 1) fallback.failed(WS);
  fallback.worked(SSE);
  assert.equal(fallback.failed(SSE), null);
});

test("one that lasted is trusted anew", () => {
  const fallback = new Fallback(NAMES);
  fallback.worked(WS);
  fallback.failed(WS);
  fallback.failed(WS);
  fallback.held();
  assert.equal(fallback.failed(WS), null);
});

test("one that works for moments only is not trusted for ever", () => {
  const fallback = new Fallback(NAMES);
  for (const next of [null, null, SSE]) {
    fallback.worked(WS);
    assert.equal(fallback.failed(WS), next);
  }
});

test("the next page begins with what worked", () => {
  const memory = aMemory();
  new Fallback(NAMES, memory).worked(SSE);
  assert.equal(new Fallback(NAMES, memory).level, SSE);
});

test("on the best there is nothing to climb to", () => {
  const fallback = new Fallback(NAMES);
  fallback.worked(WS);
  assert.equal(fallback.upgradeIn, null);
});

test("it climbs after a while, longer each time it fails, from page to page", (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const memory = aMemory();
  new Fallback(NAMES, memory).worked(SSE);
  assert.equal(new Fallback(NAMES, memory).upgradeIn, 60_000);
  t.mock.timers.tick(60_000);
  assert.equal(new Fallback(NAMES, memory).upgradeIn, 0);
  for (let wait = 120_000; wait < 10_000_000; wait *= 2) {
    new Fallback(NAMES, memory).upgradeFailed();
    assert.equal(new Fallback(NAMES, memory).upgradeIn, Math.min(wait, 3_600_000));
  }
});

test("reconnecting does not put the climb off", (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const fallback = new Fallback(NAMES);
  fallback.worked(SSE);
  t.mock.timers.tick(40_000);
  fallback.worked(SSE);
  assert.equal(fallback.upgradeIn, 20_000);
});

for (const text of ["", "null", "{", '{"kind": "carrier pigeon"}', '{"kind": "sse", "upgradeAt": "soon"}']) {
  test(`a memory of ${text || "nothing"} does no harm`, () => {
    const memory = { ...aMemory(), getItem: () => text };
    assert.ok([WS, SSE].includes(new Fallback(NAMES, memory).level));
  });
}

test("a browser that keeps nothing does no harm", () => {
  const refuse = () => {
    throw new Error("no");
  };
  const fallback = new Fallback(NAMES, { getItem: refuse, setItem: refuse, removeItem: refuse });
  fallback.worked(SSE);
  assert.equal(fallback.level, SSE);
});
