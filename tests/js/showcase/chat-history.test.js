// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatHistory } from "../../../showcase/static/showcase/chat/chat-history.js";
import { message, page } from "../support/chat.js";

const ids = (/** @type {{id: number}[]} */ messages) => messages.map(({ id }) => id);

test("what comes after what is shown is shown", () => {
  const history = new ChatHistory({ oldest: 10, more: true });

  assert.deepEqual(ids(history.arrived(message(60))), [60]);
});

test("one that was committed late, and belongs between what is shown, is shown", () => {
  const history = new ChatHistory({ oldest: 10, more: true });

  assert.deepEqual(ids(history.arrived(message(12))), [12]);
});

test("one that belongs above what is shown waits for its page, which may have been read before it was there", () => {
  const history = new ChatHistory({ oldest: 10, more: true });

  assert.deepEqual(history.arrived(message(7)), []);
  assert.deepEqual(ids(history.loaded(page([5, 6, 8, 9], { older: true }))), [5, 6, 8, 9, 7]);
});

test("and goes on waiting where that is the page after", () => {
  const history = new ChatHistory({ oldest: 10, more: true });
  history.arrived(message(3));

  assert.deepEqual(ids(history.loaded(page([5, 6, 8, 9], { older: true }))), [5, 6, 8, 9]);
  assert.deepEqual(ids(history.loaded(page([1, 2], { older: false }))), [1, 2, 3]);
});

test("with the first page of a room everything is shown, however low its id", () => {
  const history = new ChatHistory({ oldest: 10, more: false });

  assert.equal(history.more, false);
  assert.deepEqual(ids(history.arrived(message(4))), [4]);
});

test("each page goes back from the one before it", () => {
  const history = new ChatHistory({ oldest: 10, more: true });
  history.loaded(page([5, 6], { older: true }));

  assert.equal(history.oldest, 5);
  assert.equal(history.more, true);
});
