// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ladder } from "../../../notifications_hub/static/notifications_hub/connections/fallback.js";

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
  const ladder = new Ladder(NAMES);
  assert.equal(ladder.rung, WS);
  assert.equal(ladder.failed(WS), SSE);
  assert.equal(ladder.failed(SSE), POLL);
});

test("where nothing works it waits and begins again where it began", () => {
  const ladder = new Ladder(NAMES);
  for (const rung of [WS, SSE]) ladder.failed(rung);
  assert.equal(ladder.failed(POLL), null);
  assert.equal(ladder.rung, WS);
});

test("one that has worked is tried again before another is", () => {
  const ladder = new Ladder(NAMES);
  ladder.worked(WS);
  assert.deepEqual([ladder.failed(WS), ladder.failed(WS), ladder.failed(WS)], [null, null, SSE]);
});

test("another that works then is trusted like the one before it", () => {
  const ladder = new Ladder(NAMES);
  ladder.worked(WS);
  for (let failures = 0; failures < 3; failures += 1) ladder.failed(WS);
  ladder.worked(SSE);
  assert.equal(ladder.failed(SSE), null);
});

test("one that lasted is trusted anew", () => {
  const ladder = new Ladder(NAMES);
  ladder.worked(WS);
  ladder.failed(WS);
  ladder.failed(WS);
  ladder.held();
  assert.equal(ladder.failed(WS), null);
});

test("one that works for moments only is not trusted for ever", () => {
  const ladder = new Ladder(NAMES);
  for (const next of [null, null, SSE]) {
    ladder.worked(WS);
    assert.equal(ladder.failed(WS), next);
  }
});

test("the next page begins with what worked", () => {
  const memory = aMemory();
  new Ladder(NAMES, memory).worked(SSE);
  assert.equal(new Ladder(NAMES, memory).rung, SSE);
});

test("on the best there is nothing to climb to", () => {
  const ladder = new Ladder(NAMES);
  ladder.worked(WS);
  assert.equal(ladder.climbIn, null);
});

test("it climbs after a while, longer each time it fails, from page to page", (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const memory = aMemory();
  new Ladder(NAMES, memory).worked(SSE);
  assert.equal(new Ladder(NAMES, memory).climbIn, 60_000);
  t.mock.timers.tick(60_000);
  assert.equal(new Ladder(NAMES, memory).climbIn, 0);
  for (let wait = 120_000; wait < 10_000_000; wait *= 2) {
    new Ladder(NAMES, memory).climbFailed();
    assert.equal(new Ladder(NAMES, memory).climbIn, Math.min(wait, 3_600_000));
  }
});

test("reconnecting does not put the climb off", (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const ladder = new Ladder(NAMES);
  ladder.worked(SSE);
  t.mock.timers.tick(40_000);
  ladder.worked(SSE);
  assert.equal(ladder.climbIn, 20_000);
});

for (const text of ["", "null", "{", '{"kind": "carrier pigeon"}', '{"kind": "sse", "climbAt": "soon"}']) {
  test(`a memory of ${text || "nothing"} does no harm`, () => {
    const memory = { ...aMemory(), getItem: () => text };
    assert.ok([WS, SSE].includes(new Ladder(NAMES, memory).rung));
  });
}

test("a browser that keeps nothing does no harm", () => {
  const refuse = () => {
    throw new Error("no");
  };
  const ladder = new Ladder(NAMES, { getItem: refuse, setItem: refuse, removeItem: refuse });
  ladder.worked(SSE);
  assert.equal(ladder.rung, SSE);
});
