// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFrame } from "../../../notifications_hub/static/notifications_hub/protocol/wire.js";

test("a frame is parsed", () => {
  const frame = parseFrame('{"events": [], "cursor": "c", "more": true, "reset": ["inbox"], "new": 1}');
  assert.deepEqual(frame, { events: [], cursor: "c", more: true, reset: ["inbox"] });
});

test("any other message is ignored", () => {
  for (const text of ["", "nonsense", "null", "7", "[]", "{}", '{"events": {}}', '{"events": []}', new Blob()]) {
    assert.equal(parseFrame(text), null);
  }
});
