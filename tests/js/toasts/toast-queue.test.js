// @ts-check
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { ToastQueue } from "../../../notifications_hub/static/notifications_hub/toasts/toast-queue.js";
import { anItem } from "../support/items.js";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

const anEnd = (/** @type {string} */ id) => anItem(id, { kind: "task.done", data: { job: "9" } });
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** @param {number} ms */
async function pass(ms) {
  mock.timers.tick(ms);
  await settled();
}

/** A page: the toasts it showed and the acknowledgements it sent. */
class APage {
  seen = true;
  silent = false;
  /** The claim of a progress bar; null without one. @type {Promise<boolean> | null} */
  bar = null;
  /** @type {string[]} */
  toasts = [];
  /** @type {[string, string[]][]} */
  acknowledged = [];
  queue = new ToastQueue({
    isSeen: () => this.seen,
    isSilent: () => this.silent,
    claimOf: ({ kind }) => (kind === "task.done" ? this.bar : null),
    display: (items) => this.toasts.push(...items.map(({ id }) => id)),
    painted: async () => {},
    displayed: (cursor, ids) => this.acknowledged.push([cursor, ids]),
  });
}

/** A progress bar whose job has not ended. */
function aBar() {
  const bar = { shown: Promise.resolve(false), end: () => {} };
  bar.shown = new Promise((resolve) => {
    bar.end = () => resolve(true);
  });
  return bar;
}

test("new items are shown at once, and acknowledged once painted", async () => {
  const page = new APage();
  page.queue.add([anItem("1"), anItem("2")], "c1", { now: true });
  assert.deepEqual([page.toasts, page.acknowledged], [["1", "2"], []]);
  await settled();
  assert.deepEqual(page.acknowledged, [["c1", ["1", "2"]]]);
});

test("items wait while the page is hidden, and delivered ones are dropped", async () => {
  const page = new APage();
  page.seen = false;
  page.queue.add([anItem("1"), anItem("2")], "c1", { now: true });
  page.queue.forget(["1"]);
  page.seen = true;
  page.queue.flush();
  assert.deepEqual(page.toasts, ["2"]);
});

test("another tab's items are shown here only if that tab fails", async () => {
  const page = new APage();
  page.queue.add([anItem("1")], "c1", { now: false });
  await pass(2_900);
  assert.deepEqual(page.toasts, []);
  await pass(200);
  assert.deepEqual(page.toasts, ["1"]);
});

test("a claimed job end is no toast, is acknowledged, and other tabs are informed", async () => {
  const page = new APage();
  const bar = aBar();
  page.bar = bar.shown;
  page.queue.add([anEnd("1")], "c1", { now: true });
  await pass(500);
  assert.deepEqual(page.acknowledged, []);
  bar.end();
  await settled();
  assert.deepEqual([page.toasts, page.acknowledged, page.queue.waiting], [[], [["c1", ["1"]]], []]);
  await pass(10_000);
  assert.deepEqual(page.toasts, []);
});

test("a claim also counts if another tab should show the item", async () => {
  const page = new APage();
  page.bar = Promise.resolve(true);
  page.queue.add([anEnd("1")], "c1", { now: false });
  await settled();
  assert.deepEqual(page.acknowledged, [["c1", ["1"]]]);
});

test("a claim that is not kept delays the toast by three seconds", async () => {
  const page = new APage();
  page.bar = aBar().shown;
  page.queue.add([anEnd("1")], "c1", { now: true });
  await pass(2_900);
  assert.deepEqual(page.toasts, []);
  await pass(200);
  assert.deepEqual([page.toasts, page.acknowledged], [["1"], [["c1", ["1"]]]]);
});

test("a rejected claim does not delay the toast", async () => {
  const page = new APage();
  page.bar = Promise.reject(new Error("gone"));
  page.queue.add([anEnd("1")], "c1", { now: false });
  await settled();
  assert.deepEqual(page.toasts, ["1"]);
});

test("a tab without the progress bar waits a second for one in another window", async () => {
  const [delivered, alone] = [new APage(), new APage()];
  for (const page of [delivered, alone]) page.queue.add([anItem("1"), anEnd("2")], "c1", { now: true });
  await pass(900);
  assert.deepEqual(delivered.toasts, ["1"]);
  delivered.queue.forget(["2"]);
  await pass(200);
  assert.deepEqual([delivered.toasts, alone.toasts], [["1"], ["1", "2"]]);
});

test("nothing is acknowledged while an item waits", async () => {
  const page = new APage();
  page.queue.add([anItem("1"), anEnd("2")], "c1", { now: true });
  await settled();
  assert.deepEqual(page.acknowledged, [["", ["1"]]]);
  page.queue.forget(["2"]);
  assert.deepEqual(page.acknowledged.at(-1), ["c1", []]);
});

test("a progress bar that was out of sight claims the toast when it is looked at again", async () => {
  const page = new APage();
  page.seen = false;
  page.bar = Promise.resolve(true);
  page.queue.add([anEnd("1")], "c1", { now: true });
  await pass(5_000);
  page.seen = true;
  page.queue.flush();
  await settled();
  assert.deepEqual([page.toasts, page.acknowledged], [[], [["c1", ["1"]]]]);
});

test("in silence all but what is critical waits, and is not acknowledged", async () => {
  const page = new APage();
  page.silent = true;
  page.queue.add([anItem("1"), anItem("2", { critical: true })], "c1", { now: true });
  await settled();
  assert.deepEqual(page.toasts, ["2"]);
  assert.deepEqual(page.acknowledged, [["", ["2"]]]);
  page.silent = false;
  page.queue.flush();
  await settled();
  assert.deepEqual(page.toasts, ["2", "1"]);
  assert.deepEqual(page.acknowledged.at(-1), ["c1", ["1"]]);
});

test("what was read in silence is not shown after it", async () => {
  const page = new APage();
  page.silent = true;
  page.queue.add([anItem("1"), anItem("2")], "c1", { now: true });
  page.queue.forget(["1"]);
  page.silent = false;
  page.queue.flush();
  await settled();
  assert.deepEqual(page.toasts, ["2"]);
});
