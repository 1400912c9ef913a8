// @ts-check
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { QuietTimes } from "../../../notifications_hub/static/notifications_hub/shared/quiet-times.js";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 0 });
});

const NIGHTS = {
  silent: true,
  spans: [
    [100, 200],
    [300, 400],
  ],
};

test("quiet hours begin and end to the second", () => {
  const quiet = new QuietTimes(NIGHTS);
  assert.deepEqual(
    [99_999, 100_000, 199_999, 200_000, 300_000].map((at) => quiet.endAt(at)),
    [0, 200_000, 200_000, 0, 400_000],
  );
});

test("only those who wish are kept in silence", () => {
  assert.equal(new QuietTimes(NIGHTS).isSilentAt(150_000), true);
  assert.equal(new QuietTimes({ ...NIGHTS, silent: false }).isSilentAt(150_000), false);
});

test("whatever is no schedule means no quiet hours", () => {
  for (const text of ["", "null", "{", "{}", '{"silent":true,"spans":7}']) {
    assert.equal(QuietTimes.parse(text).isSilentAt(150_000), false);
  }
});

test("the end calls back once, also if it is further away than a timer can wait", () => {
  let calls = 0;
  new QuietTimes({ silent: true, spans: [[50, 100]] }).atEnd(() => calls++);
  mock.timers.tick(99_999);
  assert.equal(calls, 0);
  mock.timers.tick(1);
  assert.equal(calls, 1);
  assert.notEqual(
    new QuietTimes({ silent: true, spans: [[0, 1e9]] }).atEnd(() => {}),
    undefined,
  );
  assert.equal(
    new QuietTimes({ silent: true, spans: [] }).atEnd(() => {}),
    undefined,
  );
});
