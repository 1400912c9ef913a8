// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatPresence } from "../../../showcase/static/showcase/chat/chat-presence.js";

const ALICE = { person: 1, name: "Alice", hue: 1 };
const BOB = { person: 2, name: "Bob", hue: 2 };

test("people are here from their arrival until they leave, and are listed once", () => {
  const presence = new ChatPresence();
  presence.replace([ALICE]);
  presence.joined(BOB);
  presence.joined(BOB);
  assert.deepEqual(presence.here(), [ALICE, BOB]);

  presence.left(ALICE.person);
  presence.left(ALICE.person);
  assert.deepEqual(presence.here(), [BOB]);
});

test("the server's list replaces what was known", () => {
  const presence = new ChatPresence();
  presence.joined(ALICE);
  presence.replace([BOB]);

  assert.deepEqual(presence.here(), [BOB]);
});

test("typing ends with the message, with leaving, and by itself", () => {
  const presence = new ChatPresence();
  presence.typed(ALICE, 0);
  presence.typed(BOB, 0);
  presence.wrote(BOB.person);

  assert.deepEqual(presence.typing(1), [ALICE]);
  assert.deepEqual(presence.typing(6_001), []);

  presence.typed(ALICE, 7_000);
  presence.left(ALICE.person);
  assert.deepEqual(presence.typing(7_001), []);
});
