// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { SwapKeeper } from "../../../notifications_hub/static/notifications_hub/shared/swap-keeper.js";

/** @param {import("node:test").TestContext} t */
function keeper(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {string[]} */
  const ended = [];
  return { ended, keeper: new SwapKeeper((/** @type {string} */ thing) => ended.push(thing)) };
}

test("the next element takes what was kept, and only once", (t) => {
  const { ended, keeper: kept } = keeper(t);
  kept.keep("alice", "inbox");
  assert.equal(kept.take("alice"), "inbox");
  assert.equal(kept.take("alice"), null);
  t.mock.timers.tick(5_000);
  assert.deepEqual(ended, []);
});

test("another person takes nothing", (t) => {
  const { keeper: kept } = keeper(t);
  kept.keep("alice", "inbox");
  assert.equal(kept.take("bob"), null);
});

test("what no element takes ends after two seconds", (t) => {
  const { ended, keeper: kept } = keeper(t);
  kept.keep("alice", "first");
  kept.keep("alice", "second");
  assert.equal(kept.take("alice"), "first");
  t.mock.timers.tick(2_000);
  assert.deepEqual(ended, ["second"]);
  assert.equal(kept.take("alice"), null);
});
