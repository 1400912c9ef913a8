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

test("it starts with the best kind, and skips kinds that never worked", () => {
  const fallback = new Fallback(NAMES);
  assert.equal(fallback.level, WS);
  assert.equal(fallback.failed(WS), SSE);
  assert.equal(fallback.failed(SSE), POLL);
});

test("if nothing works it waits and starts again from the same kind", () => {
  const fallback = new Fallback(NAMES);
  for (const level of [WS, SSE]) fallback.failed(level);
  assert.equal(fallback.failed(POLL), null);
  assert.equal(fallback.level, WS);
});

test("a kind that has worked is retried before another is tried", () => {
  const fallback = new Fallback(NAMES);
  fallback.worked(WS);
  assert.deepEqual([fallback.failed(WS), fallback.failed(WS), fallback.failed(WS)], [null, null, SSE]);
});

test("a kind that replaces it is trusted in the same way", () => {
  const fallback = new Fallback(NAMES);
  fallback.worked(WS);
  for (let failures = 0; failures < 3; failures += 1) fallback.failed(WS);
  fallback.worked(SSE);
  assert.equal(fallback.failed(SSE), null);
});

test("a kind that lasted is trusted again", () => {
  const fallback = new Fallback(NAMES);
  fallback.worked(WS);
  fallback.failed(WS);
  fallback.failed(WS);
  fallback.lasted();
  assert.equal(fallback.failed(WS), null);
});

test("a kind that works only briefly is not trusted for ever", () => {
  const fallback = new Fallback(NAMES);
  for (const next of [null, null, SSE]) {
    fallback.worked(WS);
    assert.equal(fallback.failed(WS), next);
  }
});

test("the next page starts with the kind that worked", () => {
  const memory = aMemory();
  new Fallback(NAMES, memory).worked(SSE);
  assert.equal(new Fallback(NAMES, memory).level, SSE);
});

test("there is no upgrade from the best kind", () => {
  const fallback = new Fallback(NAMES);
  fallback.worked(WS);
  assert.equal(fallback.upgradeIn, null);
});

test("it schedules an upgrade with a growing wait, across pages", (t) => {
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

test("reconnecting does not delay the upgrade", (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const fallback = new Fallback(NAMES);
  fallback.worked(SSE);
  t.mock.timers.tick(40_000);
  fallback.worked(SSE);
  assert.equal(fallback.upgradeIn, 20_000);
});

for (const text of ["", "null", "{", '{"kind": "carrier pigeon"}', '{"kind": "sse", "upgradeAt": "soon"}']) {
  test(`it tolerates a memory of ${text || "nothing"}`, () => {
    const memory = { ...aMemory(), getItem: () => text };
    assert.ok([WS, SSE].includes(new Fallback(NAMES, memory).level));
  });
}

test("it tolerates a browser without storage", () => {
  const refuse = () => {
    throw new Error("no");
  };
  const fallback = new Fallback(NAMES, { getItem: refuse, setItem: refuse, removeItem: refuse });
  fallback.worked(SSE);
  assert.equal(fallback.level, SSE);
});
