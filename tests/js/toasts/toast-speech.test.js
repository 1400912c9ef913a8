// @ts-check
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { ToastSpeech } from "../../../notifications_hub/static/notifications_hub/toasts/toast-speech.js";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

const lines = (/** @type {string[]} */ ...texts) => texts.map((text) => ({ text, urgent: text.startsWith("Error") }));

function aSpeech() {
  /** @type {string[]} */
  const said = [];
  const speech = new ToastSpeech({
    announce: (text, { urgent }) => said.push(urgent ? `${text}!` : text),
    summaryOf: (count) => `and ${count} more`,
  });
  return { said, speech };
}

test("up to three toasts are read in full, and an error is urgent", () => {
  const { said, speech } = aSpeech();
  speech.add(lines("one", "Error: two", "three"));
  mock.timers.tick(10_000);
  assert.deepEqual(said, ["one", "Error: two!", "three"]);
});

test("a batch of eight is three toasts and a number", () => {
  const { said, speech } = aSpeech();
  speech.add(lines("six", "seven", "eight"), 5);
  mock.timers.tick(999);
  assert.deepEqual(said, ["six", "seven", "eight"]);
  mock.timers.tick(10_000);
  assert.deepEqual(said, ["six", "seven", "eight", "and 5 more"]);
});

test("a burst of single toasts is summed up once it pauses", () => {
  const { said, speech } = aSpeech();
  for (const text of ["one", "two", "three", "four", "five"]) {
    speech.add(lines(text));
    mock.timers.tick(300);
  }
  assert.deepEqual(said, ["one", "two", "three"]);
  mock.timers.tick(700);
  assert.deepEqual(said, ["one", "two", "three", "and 2 more"]);
});

test("a burst that does not pause is summed up every five seconds", () => {
  const { said, speech } = aSpeech();
  for (let number = 1; number <= 10; number += 1) {
    speech.add(lines(String(number)));
    mock.timers.tick(500);
  }
  assert.deepEqual(said, ["1", "2", "3", "and 7 more"]);
});

test("a toast after the burst is read in full again", () => {
  const { said, speech } = aSpeech();
  speech.add(lines("one", "two", "three"), 1);
  mock.timers.tick(5_000);
  speech.add(lines("later"));
  assert.deepEqual(said, ["one", "two", "three", "and 1 more", "later"]);
});

test("nothing is summed up once the stack has left the page", () => {
  const { said, speech } = aSpeech();
  speech.add(lines("one", "two", "three"), 4);
  speech.stop();
  mock.timers.tick(10_000);
  assert.deepEqual(said, ["one", "two", "three"]);
});
