// @ts-check
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { PollPace } from "../../../notifications_hub/static/notifications_hub/connections/poll-pace.js";

/** @type {PollPace} */
let pace;

beforeEach(() => {
  pace = new PollPace();
});

const answered = (/** @type {object} */ rest = {}) =>
  pace.answered({ elapsed: 10, news: false, more: false, visible: true, ...rest });

test("the first asks where we stand, the next waits", () => {
  assert.equal(pace.wait, 0);
  assert.equal(answered(), 0);
  assert.equal(pace.wait, 25);
});

test("a catch-up in several answers does not wait between them", () => {
  assert.equal(answered({ more: true, news: true }), 0);
  assert.equal(pace.wait, 0);
  assert.equal(answered({ news: true }), 0);
  assert.equal(pace.wait, 25);
});

test("a server that holds requests gets the next one at once", () => {
  answered();
  assert.equal(answered({ elapsed: 25_000 }), 0);
  assert.ok(answered({ elapsed: 3_000, news: true }) <= 500);
});

test("one that answers at once is asked at least every 4 s while somebody looks, and seldom when nobody does", () => {
  answered();
  const seen = answered({ elapsed: 20 });
  assert.ok(seen > 2_000 && seen < 4_000);
  assert.ok(answered({ elapsed: 20, visible: false }) > 10_000);
});

test("where a proxy cuts long requests they become shorter", () => {
  answered();
  assert.equal(pace.failed(10_000), true);
  assert.equal(pace.wait, 0);
  assert.equal(answered() <= 4_000, true);
  assert.equal(pace.wait, 5);
});

test("where it cuts all that wait, none does", () => {
  answered();
  assert.equal(pace.failed(500), true);
  answered();
  assert.equal(pace.wait, 0);
});

test("one that did not wait just failed", () => {
  assert.equal(pace.failed(10), false);
  answered();
  pace.failed(10);
  assert.equal(pace.failed(10), false);
});
