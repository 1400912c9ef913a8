// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { initialOf } from "../../../showcase/static/showcase/chat/initial-of.js";

test("an initial is the first visible character", () => {
  assert.equal(initialOf("alice"), "A");
  assert.equal(initialOf("\u2068\u05d3\u05e0\u05d4\u2069"), "\u05d3");
  assert.equal(initialOf("\u{1F642} Bob"), "\u{1F642}");
  assert.equal(initialOf(" \u200b"), "?");
});
