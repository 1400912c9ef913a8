// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "../../../notifications_hub/static/notifications_hub/client.js";

test("the public module exports the names that hosts may import", () => {
  assert.deepEqual(Object.keys(client).sort(), [
    "HubClient",
    "HubEvent",
    "HubFrameEvent",
    "HubRefusedEvent",
    "HubResetEvent",
    "HubState",
    "HubStateEvent",
    "PageWatch",
    "announce",
    "backoff",
    "copyOf",
    "lineOfKind",
    "liveLine",
    "pageLanguage",
    "part",
    "sessionMemory",
    "setText",
  ]);
});
