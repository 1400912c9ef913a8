// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { closeOthers, closeRead } from "../../../notifications_hub/static/notifications_hub/push/shown-pushes.js";

/** @param {[string, string | null][]} pushes id and owner; null: shown by a worker of the site's own */
function screenWith(pushes) {
  /** @type {string[]} */
  const closed = [];
  const shown = pushes.map(([id, owner]) => ({
    tag: "of all of them",
    data: owner === null ? null : { notificationsHub: { id, owner } },
    close: () => closed.push(id),
  }));
  const serviceWorker = { getRegistration: async () => ({ getNotifications: async () => shown }) };
  Object.defineProperty(globalThis, "navigator", { value: { serviceWorker }, configurable: true });
  return closed;
}

/** @param {string[][]} pages ids of what is unread */
function apiOf(pages) {
  /** @type {string[]} */
  const asked = [];
  const unread = async (/** @type {string} */ before) => {
    asked.push(before);
    const page = Number(before || 0);
    const next = page + 1 < pages.length ? String(page + 1) : null;
    return { results: (pages[page] ?? []).map((id) => ({ id })), next, cursor: "" };
  };
  return { asked, api: /** @type {any} */ ({ unread }) };
}

test("pushes read elsewhere are closed at the next visit", async () => {
  const closed = screenWith([
    ["1", "alice"],
    ["2", "alice"],
    ["3", "alice"],
    ["theirs", null],
  ]);
  const { api, asked } = apiOf([["3"], ["1"]]);
  await closeRead(api);
  assert.deepEqual([closed, asked], [["2"], ["", "1"]]);
});

test("without shown pushes no request is sent", async () => {
  screenWith([]);
  const { api, asked } = apiOf([[]]);
  await closeRead(api);
  assert.deepEqual(asked, []);
});

test("all pushes stay if there are too many unread notifications", async () => {
  const closed = screenWith([["1", "alice"]]);
  await closeRead(apiOf(Array.from({ length: 9 }, () => ["x"])).api);
  assert.deepEqual(closed, []);
});

test("signing in closes the pushes of the previous person", async () => {
  const closed = screenWith([
    ["1", "alice"],
    ["2", "bob"],
    ["theirs", null],
  ]);
  await closeOthers("bob");
  assert.deepEqual(closed, ["1"]);
});
