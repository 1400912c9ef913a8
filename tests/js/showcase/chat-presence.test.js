// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatPresence } from "../../../showcase/static/showcase/chat/chat-presence.js";

const ALICE = { person: 1, name: "Alice", hue: 1 };
const BOB = { person: 2, name: "Bob", hue: 2 };

test("a person without a sign of life has left", () => {
  const presence = new ChatPresence(40);
  presence.seen(ALICE, 0);
  presence.seen(BOB, 30);

  assert.deepEqual(presence.here(39), [ALICE, BOB]);
  assert.deepEqual(presence.here(41), [BOB]);
});

test("the server's list makes up for lost events", () => {
  const presence = new ChatPresence(40);
  presence.seen(ALICE, 0);
  presence.update([BOB], 1);

  assert.deepEqual(presence.here(2), [BOB]);
});

test("typing ends with the message, and by itself", () => {
  const presence = new ChatPresence(60_000);
  presence.seen(ALICE, 0, true);
  presence.seen(BOB, 0, true);
  presence.wrote(BOB.person);

  assert.deepEqual(presence.typing(1), [ALICE]);
  assert.deepEqual(presence.typing(6_001), []);
});

test("a sign of life does not end or start typing", () => {
  const presence = new ChatPresence(60_000);
  presence.seen(ALICE, 0, true);
  presence.seen(ALICE, 1);

  assert.deepEqual(presence.typing(2), [ALICE]);
});
