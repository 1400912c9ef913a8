// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatHistory } from "../../../showcase/static/showcase/chat/chat-history.js";
import { message, page } from "../support/chat.js";

const ids = (/** @type {{id: number}[]} */ messages) => messages.map(({ id }) => id);

test("a message after the shown ones is shown", () => {
  const history = new ChatHistory({ oldest: 10, more: true });

  assert.deepEqual(ids(history.arrived(message(60))), [60]);
});

test("a late message between the shown ones is shown", () => {
  const history = new ChatHistory({ oldest: 10, more: true });

  assert.deepEqual(ids(history.arrived(message(12))), [12]);
});

test("a message above the shown ones waits for its page", () => {
  const history = new ChatHistory({ oldest: 10, more: true });

  assert.deepEqual(history.arrived(message(7)), []);
  assert.deepEqual(ids(history.loaded(page([5, 6, 8, 9], { older: true }))), [5, 6, 8, 9, 7]);
});

test("it keeps waiting if it belongs to an even older page", () => {
  const history = new ChatHistory({ oldest: 10, more: true });
  history.arrived(message(3));

  assert.deepEqual(ids(history.loaded(page([5, 6, 8, 9], { older: true }))), [5, 6, 8, 9]);
  assert.deepEqual(ids(history.loaded(page([1, 2], { older: false }))), [1, 2, 3]);
});

test("after the first page of a room every message is shown", () => {
  const history = new ChatHistory({ oldest: 10, more: false });

  assert.equal(history.more, false);
  assert.deepEqual(ids(history.arrived(message(4))), [4]);
});

test("each page continues from the previous one", () => {
  const history = new ChatHistory({ oldest: 10, more: true });
  history.loaded(page([5, 6], { older: true }));

  assert.equal(history.oldest, 5);
  assert.equal(history.more, true);
});
