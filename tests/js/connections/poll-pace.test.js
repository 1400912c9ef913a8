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

test("the first poll fetches the cursor, and the next one waits", () => {
  assert.equal(pace.wait, 0);
  assert.equal(answered(), 0);
  assert.equal(pace.wait, 25);
});

test("a catch-up of several answers does not pause between them", () => {
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

test("a server that answers at once is polled at least every 4 s while the page is visible, and seldom while it is hidden", () => {
  answered();
  const seen = answered({ elapsed: 20 });
  assert.ok(seen > 2_000 && seen < 4_000);
  assert.ok(answered({ elapsed: 20, visible: false }) > 10_000);
});

test("requests become shorter when a proxy cuts long ones", () => {
  answered();
  assert.equal(pace.failed(10_000), true);
  assert.equal(pace.wait, 0);
  assert.equal(answered() <= 4_000, true);
  assert.equal(pace.wait, 5);
});

test("no request waits when a proxy cuts all that do", () => {
  answered();
  assert.equal(pace.failed(500), true);
  answered();
  assert.equal(pace.wait, 0);
});

test("a failed poll without a wait is a failure", () => {
  assert.equal(pace.failed(10), false);
  answered();
  pace.failed(10);
  assert.equal(pace.failed(10), false);
});
