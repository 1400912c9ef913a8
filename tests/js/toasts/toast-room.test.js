// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { fit } from "../../../notifications_hub/static/notifications_hub/toasts/toast-room.js";

/** @param {string} id @param {Partial<{stays: boolean, busy: boolean}>} [how] */
const toast = (id, how = {}) => ({ id, stays: false, busy: false, ...how });
/** @param {{id: string}[]} toasts */
const ids = (toasts) => toasts.map(({ id }) => id).join("");

test("three are kept, and a small screen shows the newest of them", () => {
  const five = [..."abcde"].map((id) => toast(id));
  assert.equal(ids(fit(five, 3).dropped), "ab");
  assert.equal(ids(fit(five, 3).shown), "edc");
  assert.equal(ids(fit(five, 1).dropped), "ab");
  assert.equal(ids(fit(five, 1).shown), "e");
});

test("errors are not dropped for newer ones, and come back once there is room", () => {
  const toasts = [toast("E", { stays: true }), toast("b"), toast("c"), toast("d")];
  assert.equal(ids(fit(toasts, 3).dropped), "");
  assert.equal(ids(fit(toasts, 3).shown), "dcb");
  assert.equal(ids(fit(toasts.slice(0, 2), 3).shown), "bE");
  const many = Array.from({ length: 12 }, (_, at) => toast(String.fromCharCode(65 + at), { stays: true }));
  assert.equal(ids(fit(many, 3).dropped), "AB");
});

test("what the person is looking at stays, and new ones wait for it", () => {
  const toasts = [toast("a", { busy: true }), toast("b"), toast("c"), toast("d")];
  assert.deepEqual(fit(toasts, 3), { dropped: [toasts[1]], shown: [toasts[0], toasts[3], toasts[2]] });
  assert.equal(ids(fit(toasts, 1).shown), "a");
});
