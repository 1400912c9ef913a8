// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutCount } from "../../../notifications_hub/static/notifications_hub/attention/title-count.js";

test("only a count that this page wrote is removed from a title", () => {
  const written = new Set(["(3) ", "(2) "]);
  assert.equal(withoutCount("(2) Orders", written), "Orders");
  assert.equal(withoutCount("(7) Orders", written), "(7) Orders");
  assert.equal(withoutCount("Orders (3) ", written), "Orders (3) ");
});
