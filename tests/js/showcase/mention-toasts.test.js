// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { MentionToasts } from "../../../showcase/static/showcase/chat/mention-toasts.js";

const ROOM = "https://site.example/showcase/chat/lobby/";

/** @param {{newest?: number, atEnd?: boolean, inSight?: number[]}} [log] */
function mentions({ newest = 5, atEnd = true, inSight = [] } = {}) {
  const list = { newest, atEnd, isInSight: (/** @type {number} */ id) => inSight.includes(id) };
  return { list, toasts: new MentionToasts({ list: /** @type {any} */ (list), room: new URL(ROOM) }) };
}

/**
 * @param {MentionToasts} toasts
 * @param {string} url
 */
function offer(toasts, url) {
  const due = {
    item: { url },
    claimed: null,
    claim: (/** @type {any} */ shown) => Object.assign(due, { claimed: shown }),
  };
  toasts.offered(/** @type {any} */ (due));
  return /** @type {Promise<boolean> | null} */ (/** @type {unknown} */ (due.claimed));
}

test("claims a message in sight", async () => {
  const { toasts } = mentions({ inSight: [5] });
  assert.equal(await offer(toasts, "/showcase/chat/lobby/#message-5"), true);
});

test("waits for a message that arrives after its notification", async () => {
  const inSight = /** @type {number[]} */ ([]);
  const { list, toasts } = mentions({ inSight });
  const claim = offer(toasts, "/showcase/chat/lobby/#message-7");
  list.newest = 6;
  toasts.check();
  inSight.push(7);
  list.newest = 7;
  toasts.check();
  assert.equal(await claim, true);
});

test("gives up a message that arrives out of sight", async () => {
  const { list, toasts } = mentions();
  const claim = offer(toasts, "/showcase/chat/lobby/#message-7");
  list.newest = 7;
  toasts.check();
  assert.equal(await claim, false);
});

test("claims nothing for a reader further up, for older messages and for other pages", () => {
  const away = mentions({ atEnd: false }).toasts;
  assert.equal(offer(away, "/showcase/chat/lobby/#message-7"), null);
  const { toasts } = mentions();
  for (const url of ["/showcase/chat/lobby/#message-3", "/showcase/chat/phone/#message-7", "/posts/7/", ""]) {
    assert.equal(offer(toasts, url), null);
  }
});
