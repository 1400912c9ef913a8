// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { PageWatch } from "../../../notifications_hub/static/notifications_hub/client/page-watch.js";

class FakeDocument extends EventTarget {
  visibilityState = "visible";
  defaultView = null;

  /** @param {string} state */
  become(state) {
    this.visibilityState = state;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

/** @param {import("node:test").TestContext} t */
function watched(t) {
  t.mock.timers.enable({ apis: ["setInterval", "Date"], now: 86_400_000 });
  const ending = new AbortController();
  t.after(() => ending.abort());
  const page = new FakeDocument();
  return { page, watch: new PageWatch(ending.signal, /** @type {any} */ (page)) };
}

/**
 * Let the clock of the machine show another time, without a tick.
 *
 * @param {import("node:test").TestContext} t
 * @param {number} now
 */
function setClock(t, now) {
  t.mock.method(Date, "now", () => now);
}

test("a page whose clock goes back may have slept", (t) => {
  const { watch } = watched(t);
  let woke = 0;
  watch.addEventListener("page-woke", () => {
    woke += 1;
  });
  t.mock.timers.tick(5_000);
  assert.equal(woke, 0);
  setClock(t, 3_600_000);
  t.mock.timers.tick(5_000);
  assert.equal(woke, 1);
});

test("a page whose clock went back while it was hidden was hidden for long", (t) => {
  const { page, watch } = watched(t);
  page.become("hidden");
  t.mock.timers.tick(1_000);
  page.become("visible");
  assert.equal(watch.hiddenFor, 1_000);
  page.become("hidden");
  setClock(t, 3_600_000);
  page.become("visible");
  assert.ok(watch.hiddenFor > 86_400_000);
});
