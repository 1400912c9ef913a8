// @ts-check
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { AnnouncementQueue } from "../../../notifications_hub/static/notifications_hub/shared/announcement-queue.js";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

/** Let all gaps pass, one by one: a fake clock runs no timer that another one sets. */
function pass() {
  for (let gap = 0; gap < 10; gap += 1) mock.timers.tick(150);
}

/** A live region: what it holds, and all that it ever held. */
class ARegion {
  readyIn = 0;
  /** @type {string[]} */
  read = [];
  /** @type {Set<object>} */
  held = new Set();
  queue = new AnnouncementQueue({
    readyIn: () => this.readyIn,
    show: (text, urgent) => {
      const line = {};
      this.held.add(line);
      this.read.push(urgent ? `${text}!` : text);
      return () => this.held.delete(line);
    },
  });
}

test("texts added at once are read one after the other, in order", () => {
  const region = new ARegion();
  for (const text of ["one", "two", "three"]) region.queue.add(text, false);
  assert.deepEqual(region.read, ["one"]);
  mock.timers.tick(149);
  assert.deepEqual(region.read, ["one"]);
  mock.timers.tick(1);
  assert.deepEqual(region.read, ["one", "two"]);
  pass();
  assert.deepEqual(region.read, ["one", "two", "three"]);
});

test("the same text twice in a row is read twice", () => {
  const region = new ARegion();
  region.queue.add("saved", false);
  region.queue.add("saved", false);
  pass();
  assert.deepEqual(region.read, ["saved", "saved"]);
  assert.equal(region.held.size, 2);
});

test("a new region stays empty until screen readers know it", () => {
  const region = new ARegion();
  region.readyIn = 250;
  region.queue.add("one", false);
  region.queue.add("two", false);
  assert.deepEqual(region.read, []);
  region.readyIn = 0;
  mock.timers.tick(250);
  assert.deepEqual(region.read, ["one"]);
  pass();
  assert.deepEqual(region.read, ["one", "two"]);
});

test("an urgent text comes before those that wait, but after urgent ones", () => {
  const region = new ARegion();
  region.queue.add("one", false);
  region.queue.add("two", false);
  region.queue.add("failed", true);
  region.queue.add("failed again", true);
  pass();
  assert.deepEqual(region.read, ["one", "failed!", "failed again!", "two"]);
});

test("a text is removed after a while, so that nobody comes across it later", () => {
  const region = new ARegion();
  region.queue.add("one", false);
  mock.timers.tick(6_999);
  assert.equal(region.held.size, 1);
  mock.timers.tick(1);
  assert.equal(region.held.size, 0);
});

test("a text that comes right after another keeps its distance", () => {
  const region = new ARegion();
  region.queue.add("one", false);
  mock.timers.tick(100);
  region.queue.add("two", false);
  assert.deepEqual(region.read, ["one"]);
  mock.timers.tick(50);
  assert.deepEqual(region.read, ["one", "two"]);
});
