// @ts-check
/**
 * @import { Answer, Waiting } from "../../../showcase/static/showcase/chat/chat-outbox.js"
 * @import { OutboxFailedEvent, OutboxSentEvent } from "../../../showcase/static/showcase/chat/chat-outbox.js"
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatOutbox } from "../../../showcase/static/showcase/chat/chat-outbox.js";
import { message } from "../support/chat.js";
import { settled } from "../support/fake-server.js";

const PAUSE = 1_000;
const LOST = { message: null, retry: true };

/** A server that gives these answers in turn and then accepts everything. It records the messages it received. */
class Server {
  /** @type {Waiting[]} */
  asked = [];
  #answers;

  /** @param {Answer[]} answers */
  constructor(...answers) {
    this.#answers = answers;
  }

  /** @param {Waiting} waiting */
  async send(waiting) {
    this.asked.push(waiting);
    return this.#answers.shift() ?? { message: message(1, waiting), retry: false };
  }

  get bodies() {
    return this.asked.map(({ body }) => body);
  }
}

/**
 * @param {Server} server
 * @param {Map<string, string>} [kept]
 */
function anOutbox(server, kept = new Map()) {
  const memory = {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
  };
  return new ChatOutbox({ send: (waiting) => server.send(waiting), memory, key: "outbox", pause: () => PAUSE });
}

/**
 * @param {any} t the test, whose clock this turns
 * @param {number} milliseconds
 */
async function passed(t, milliseconds) {
  await settled();
  t.mock.timers.tick(milliseconds);
  await settled();
}

test("messages are sent one after the other in the order of writing", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const server = new Server();
  const outbox = anOutbox(server);
  for (const body of ["one", "two", "three"]) outbox.add(body);
  await settled();

  assert.deepEqual(server.bodies, ["one", "two", "three"]);
  assert.deepEqual(outbox.waiting, []);
});

test("a message without an answer is sent again with the same id, and later ones wait", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const server = new Server(LOST, LOST);
  const outbox = anOutbox(server);
  outbox.add("one");
  outbox.add("two");
  await passed(t, PAUSE);
  await passed(t, PAUSE);

  assert.deepEqual(server.bodies, ["one", "one", "one", "two"]);
  assert.equal(new Set(server.asked.slice(0, 3).map(({ client_id }) => client_id)).size, 1);
});

test("a refused message is returned with the reason, and later ones go on", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const server = new Server({ message: null, retry: false, detail: "Too long." });
  const outbox = anOutbox(server);
  /** @type {string[]} */
  const delivered = [];
  outbox.addEventListener("outbox-failed", (event) => delivered.push(/** @type {OutboxFailedEvent} */ (event).detail));
  outbox.addEventListener("outbox-sent", (event) =>
    delivered.push(/** @type {OutboxSentEvent} */ (event).message.body),
  );
  outbox.add("one");
  outbox.add("two");
  await settled();

  assert.deepEqual(delivered, ["Too long.", "two"]);
});

test("a rate limit waits as long as the server asks", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const server = new Server({ message: null, retry: true, wait: 5_000 });
  const outbox = anOutbox(server);
  outbox.add("one");
  await passed(t, 4_999);
  assert.equal(server.asked.length, 1);
  await passed(t, 1);
  assert.equal(server.asked.length, 2);
});

test("a reload continues with unsent messages and the same ids", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const kept = new Map();
  const before = anOutbox(new Server({ message: null, retry: true, wait: 60_000 }), kept);
  const { client_id } = before.add("one");
  await settled();
  before.stop();
  const server = new Server();
  await anOutbox(server, kept).flush();

  assert.deepEqual(
    server.asked.map((waiting) => waiting.client_id),
    [client_id],
  );
});

test("a message received over the stream is not sent again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const server = new Server({ message: null, retry: true, wait: 10 });
  const outbox = anOutbox(server);
  outbox.arrived(outbox.add("one").client_id);
  await passed(t, PAUSE);

  assert.equal(server.asked.length, 1);
});
