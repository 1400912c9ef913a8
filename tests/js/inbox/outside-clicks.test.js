// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { recordOutsideClicks } from "../../../notifications_hub/static/notifications_hub/inbox/outside-clicks.js";

test("a page whose bell and banners both record clicks reports each once", () => {
  const listened = /** @type {string[]} */ ([]);
  const document = { addEventListener: (/** @type {string} */ kind) => listened.push(kind) };
  Object.assign(globalThis, { document });
  recordOutsideClicks();
  recordOutsideClicks();
  assert.deepEqual(listened, ["click", "auxclick"]);
});
