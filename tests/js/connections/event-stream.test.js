// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStream } from "../../../notifications_hub/static/notifications_hub/connections/event-stream.js";

const TEXT = 'retry: 3000\n\n:\n\nid: c1\ndata: {"a": 1}\n\nevent: close\ndata: {"code":\ndata:4401}\n\n';
const EVENTS = [
  { event: "message", data: '{"a": 1}' },
  { event: "close", data: '{"code":\n4401}' },
];

test("heartbeats, ids and retry times are ignored", () => {
  assert.deepEqual(new EventStream().read(TEXT), EVENTS);
});

for (const [name, end] of [
  ["LF", "\n"],
  ["CRLF", "\r\n"],
  ["CR", "\r"],
]) {
  test(`pieces may be cut anywhere, with lines that end in ${name}`, () => {
    const text = `${TEXT.replaceAll("\n", end ?? "")}:`;
    for (let size = 1; size <= 7; size += 1) {
      const stream = new EventStream();
      const pieces = text.match(new RegExp(`.{1,${size}}`, "gs")) ?? [];
      assert.deepEqual(
        pieces.flatMap((piece) => stream.read(piece)),
        EVENTS,
      );
    }
  });
}

test("an unfinished event is not returned", () => {
  assert.deepEqual(new EventStream().read('data: {"a": 1}\n'), []);
});
