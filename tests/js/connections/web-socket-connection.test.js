// @ts-check
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { WebSocketConnection } from "../../../notifications_hub/static/notifications_hub/connections/web-socket-connection.js";

const { WebSocket } = globalThis;
const FRAME = JSON.stringify({ events: [], cursor: "c1", more: false, reset: [] });

class FakeSocket extends EventTarget {
  static OPEN = 1;
  readyState = 1;
  closed = false;
  /** @type {string[]} */
  sent = [];

  /** @param {URL} url */
  constructor(url) {
    super();
    this.url = String(url);
    socket = this;
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(text);
  }

  close() {
    this.closed = true;
  }

  /** @param {string} data */
  sends(data) {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

/** @type {FakeSocket} */
let socket;
/** @type {any} */
let timers;
/** @type {WebSocketConnection} */
let connection;
/** @type {any[]} */
let received;

beforeEach((t) => {
  timers = /** @type {any} */ (t).mock.timers;
  timers.enable({ apis: ["setTimeout"] });
  globalThis.WebSocket = /** @type {any} */ (FakeSocket);
  connection = new WebSocketConnection(new URL("https://host.example/live/ws/"));
  received = [];
  connection.addEventListener("connection-frame", (event) => received.push(/** @type {any} */ (event).frame.cursor));
  connection.addEventListener("connection-closed", (event) => received.push(/** @type {any} */ (event).code));
  connection.open();
});

afterEach(() => {
  connection.close();
  globalThis.WebSocket = WebSocket;
});

test("it stays open with heartbeats, and ends after silence", () => {
  for (let signs = 0; signs < 8; signs += 1) {
    socket.sends(FRAME);
    timers.tick(25_000);
  }
  assert.deepEqual(received, Array(8).fill("c1"));
  timers.tick(60_000);
  assert.deepEqual([received.at(-1), socket.closed], [4900, true]);
});

test("it dispatches nothing when this side closes it", () => {
  socket.sends(FRAME);
  connection.close();
  timers.tick(60_000);
  socket.dispatchEvent(Object.assign(new Event("close"), { code: 1006, reason: "" }));
  assert.deepEqual([received, socket.closed], [["c1"], true]);
});

test("other messages are ignored, and the server's close code is passed on", () => {
  socket.sends("");
  socket.sends("[]");
  socket.dispatchEvent(Object.assign(new Event("close"), { code: 4401, reason: "session over" }));
  assert.deepEqual(received, [4401]);
});

test("it sends messages while it is open", () => {
  assert.equal(connection.send({ visible: false }), true);
  socket.readyState = 3;
  assert.equal(connection.send({ visible: true }), false);
  assert.deepEqual(socket.sent, ['{"visible":false}']);
});
