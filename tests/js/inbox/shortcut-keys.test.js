// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../../../notifications_hub/static/notifications_hub/inbox/shortcut-keys.js";

const PLAIN = { altKey: false, ctrlKey: false, metaKey: false, isComposing: false, defaultPrevented: false };

test("a shortcut is a key without modifiers, in lower case", () => {
  assert.equal(keyOf({ ...PLAIN, key: "j" }), "j");
  assert.equal(keyOf({ ...PLAIN, key: "X" }), "x");
  assert.equal(keyOf({ ...PLAIN, key: "ArrowDown" }), "ArrowDown");
});

test("a key with a modifier, within a composed letter or handled already is no shortcut", () => {
  for (const name of ["altKey", "ctrlKey", "metaKey", "isComposing", "defaultPrevented"]) {
    assert.equal(keyOf({ ...PLAIN, [name]: true, key: "e" }), "", name);
  }
});
