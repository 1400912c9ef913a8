// @ts-check
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Fallback } from "../../../notifications_hub/static/notifications_hub/connections/fallback.js";
import { FallbackConnection } from "../../../notifications_hub/static/notifications_hub/connections/fallback-connection.js";
import { FakeConnection } from "../support/fake-connection.js";

/** @type {[string, FakeConnection][]} */
let dialled;
/** @type {any[]} */
let received;
let cursor = "";
/** @type {FallbackConnection} */
let connection;

beforeEach((t) => {
  /** @type {any} */ (t).mock.timers.enable({ apis: ["setTimeout", "Date"] });
  dialled = [];
  received = [];
  cursor = "c0";
});

/** @param {Fallback} [fallback] */
function open(fallback = new Fallback(["ws", "sse", "poll"])) {
  const kinds = ["ws", "sse", "poll"].map((name) => ({ name, patience: 5_000, dial: dialler(name) }));
  connection = new FallbackConnection({ kinds, fallback, query: () => ({ topics: ["inbox"], cursor }) });
  connection.addEventListener("connection-frame", (event) => {
    cursor = /** @type {any} */ (event).frame.cursor;
    received.push(cursor);
  });
  connection.addEventListener("connection-closed", (event) => received.push(/** @type {any} */ (event).code));
  connection.open();
  return fallback;
}

const dialler = (/** @type {string} */ name) => (/** @type {any} */ query) => {
  dialled.push([name, new FakeConnection(query)]);
  return last();
};
const last = () => dialled.at(-1)?.[1] ?? assert.fail("nothing was dialled");
const names = () => dialled.map(([name]) => name);

test("the best kind is tried first, and alone if it works", () => {
  open();
  last().sends([], "c1");
  assert.deepEqual([names(), received], [["ws"], ["c1"]]);
});

test("the next kind follows a blocked one at once", () => {
  open();
  last().breaks(1006);
  last().sends([], "c1");
  assert.deepEqual([names(), received], [["ws", "sse"], ["c1"]]);
});

test("a kind that connects but receives nothing is given up", (t) => {
  open();
  last().breaks(1006);
  /** @type {any} */ (t).mock.timers.tick(5_000);
  assert.equal(dialled[1]?.[1].closed, true);
  last().sends([], "c1");
  assert.deepEqual([names(), received], [["ws", "sse", "poll"], ["c1"]]);
});

test("it reports once that no kind works", () => {
  open();
  for (let kinds = 0; kinds < 3; kinds += 1) last().breaks(1006);
  assert.deepEqual([names(), received], [["ws", "sse", "poll"], [1006]]);
});

for (const code of [4401, 4403, 4429, 4400, 1012]) {
  test(`after the hub's own ${code} no other kind is tried`, () => {
    open();
    last().breaks(code);
    assert.deepEqual([names(), received], [["ws"], [code]]);
  });
}

test("an unavailable server is not a blocked kind", () => {
  open();
  last().sends([], "c1");
  last().breaks(1006);
  assert.deepEqual([names(), received], [["ws"], ["c1", 1006]]);
});

test("a better kind is tried in parallel, and takes over with its first frame", (t) => {
  const fallback = open();
  last().breaks(1006);
  const stream = last();
  stream.sends([], "c1");
  /** @type {any} */ (t).mock.timers.tick(60_000);
  assert.deepEqual(names(), ["ws", "sse", "ws"]);
  assert.equal(last().cursor, "c1");
  stream.sends([], "c2");
  assert.equal(stream.closed, false);
  last().sends([], "c3");
  assert.equal(stream.closed, true);
  stream.sends([], "c9");
  assert.deepEqual([received, fallback.level], [["c1", "c2", "c3"], 0]);
});

test("a better kind that still fails changes nothing, and is tried again later", (t) => {
  open();
  last().breaks(1006);
  const stream = last();
  stream.sends([], "c1");
  for (const wait of [60_000, 120_000, 240_000]) {
    /** @type {any} */ (t).mock.timers.tick(wait);
    last().breaks(1006);
  }
  stream.sends([], "c2");
  assert.deepEqual([names().length, received], [5, ["c1", "c2"]]);
});

test("after closing it dispatches nothing", (t) => {
  open();
  last().breaks(1006);
  last().sends([], "c1");
  /** @type {any} */ (t).mock.timers.tick(60_000);
  connection.close();
  for (const [, one] of dialled) assert.equal(one.closed, true);
  last().sends([], "c2");
  last().breaks(1006);
  /** @type {any} */ (t).mock.timers.tick(600_000);
  assert.deepEqual([names(), received], [["ws", "sse", "ws"], ["c1"]]);
});
