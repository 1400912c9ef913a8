// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { relativeTime } from "../../../notifications_hub/static/notifications_hub/shared/relative-time.js";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const MINUTE = 60_000;

/**
 * @param {number} age
 * @param {string} [language]
 */
const delivered = (age, language = "en") => relativeTime(NOW - age, NOW, language);

test("the last minute and future times are now", () => {
  assert.equal(delivered(59_000), "now");
  assert.equal(delivered(-5 * MINUTE), "now");
});

test("minutes, hours and days follow", () => {
  assert.equal(delivered(5 * MINUTE), "5 min. ago");
  assert.equal(delivered(3 * 60 * MINUTE), "3 hr. ago");
  assert.equal(delivered(26 * 60 * MINUTE), "yesterday");
});

test("after a week it is the date, with the year if it differs", () => {
  assert.equal(delivered(10 * 24 * 60 * MINUTE), "Nov 10");
  assert.equal(delivered(400 * 24 * 60 * MINUTE), "Oct 16, 2025");
});

test("it uses the page's language", () => {
  assert.equal(delivered(5 * MINUTE, "zh-hans"), "5分钟前");
});
