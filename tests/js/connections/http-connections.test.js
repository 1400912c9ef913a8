// @ts-check
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { PollConnection } from "../../../notifications_hub/static/notifications_hub/connections/poll-connection.js";
import { SseConnection } from "../../../notifications_hub/static/notifications_hub/connections/sse-connection.js";
import { FakeServer, json, settled, stream } from "../support/fake-server.js";

const LIVE = new URL("https://host.example/live/");
const FRAME = { events: [], cursor: "c1", more: false, reset: [] };

/** @type {FakeServer} */
let server;
/** @type {any[]} */
let received;
/** @type {any} */
let timers;
/** @type {SseConnection | PollConnection} */
let connection;
const { fetch } = globalThis;

beforeEach((t) => {
  timers = /** @type {any} */ (t).mock.timers;
  timers.enable({ apis: ["setTimeout", "Date"] });
  server = new FakeServer();
  received = [];
  globalThis.fetch = /** @type {any} */ (server.fetch);
});

afterEach(() => {
  connection.close();
  globalThis.fetch = fetch;
});

/** @param {typeof SseConnection | typeof PollConnection} Kind */
async function open(Kind) {
  connection = new Kind(LIVE, new URL(`${Kind.path}?topic=inbox&cursor=c0`, LIVE));
  connection.addEventListener("connection-open", () => received.push("open"));
  connection.addEventListener("connection-frame", (event) => received.push(/** @type {any} */ (event).frame.cursor));
  connection.addEventListener("connection-closed", (event) => {
    const { code, reason } = /** @type {any} */ (event);
    received.push([code, reason]);
  });
  connection.open();
  await settled();
}

const closings = () => received.filter(Array.isArray);

for (const Kind of [SseConnection, PollConnection]) {
  describe(Kind.name, () => {
    for (const [status, code] of [
      [400, 4400],
      [401, 4401],
      [403, 4403],
      [429, 4429],
      [501, 1006],
      [503, 1012],
    ]) {
      test(`the hub's ${status} means ${code}`, async () => {
        server.answers = [json({ detail: "why" }, status)];
        await open(Kind);
        assert.deepEqual(closings(), [[code, "why"]]);
      });

      test(`a proxy's own ${status} is only a failure`, async () => {
        server.answers = [new Response("<h1>No</h1>", { status })];
        await open(Kind);
        assert.deepEqual(closings(), [[1006, ""]]);
      });
    }

    test("a network failure closes it once", async () => {
      server.answers = [new TypeError("network")];
      await open(Kind);
      assert.deepEqual(closings(), [[1006, ""]]);
    });

    test("it posts acknowledgements", async () => {
      await open(Kind);
      assert.equal(connection.send({ ack: "c7" }), true);
      assert.deepEqual(server.acks, [{ cursor: "c7", visible: true }]);
    });

    test("it dispatches nothing when this side closes it", async () => {
      await open(Kind);
      connection.close();
      await settled();
      assert.deepEqual([closings(), connection.send({ ack: "c7" })], [[], false]);
    });
  });
}

describe("a stream", () => {
  test("dispatches frames from pieces cut anywhere", async () => {
    const { response, sends } = stream();
    server.answers = [response];
    await open(SseConnection);
    const text = `retry: 3000\n\nid: c1\ndata: ${JSON.stringify(FRAME)}\n\n`;
    sends(text.slice(0, 30));
    sends(text.slice(30));
    await settled();
    assert.deepEqual(received, ["open", "c1"]);
  });

  test("a page with status 200 is not a stream", async () => {
    server.answers = [
      new Response("<h1>Please sign in to the hotel</h1>", { headers: { "Content-Type": "text/html" } }),
    ];
    await open(SseConnection);
    assert.deepEqual(received, [[1006, ""]]);
  });

  test("reports the server's reason for the end once", async () => {
    const { response, sends, ends } = stream();
    server.answers = [response];
    await open(SseConnection);
    sends('event: close\ndata: {"code": 4401, "reason": "session over"}\n\n');
    ends();
    await settled();
    assert.deepEqual(closings(), [[4401, "session over"]]);
  });

  test("stays open with heartbeats, and ends after silence", async () => {
    const { response, sends } = stream();
    server.answers = [response];
    await open(SseConnection);
    for (let beats = 0; beats < 8; beats += 1) {
      sends(":\n\n");
      await settled();
      timers.tick(15_000);
    }
    assert.deepEqual(closings(), []);
    timers.tick(45_000);
    assert.deepEqual(closings(), [[4900, ""]]);
  });

  test("cannot send visibility or topics", async () => {
    await open(SseConnection);
    assert.equal(connection.send(/** @type {any} */ ({ visible: true })), false);
    assert.equal(connection.send(/** @type {any} */ ({ topics: ["inbox"] })), false);
  });
});

describe("a poll", () => {
  const asked = () =>
    server.asked.map((url) => ["cursor", "wait", "visible"].map((name) => url.searchParams.get(name)));

  test("continues from each answer's cursor, and waits at the server", async () => {
    server.answers = [json(FRAME), json({ ...FRAME, cursor: "c2", events: [{}] })];
    await open(PollConnection);
    await settled();
    timers.tick(0);
    await settled();
    timers.tick(500);
    await settled();
    assert.deepEqual(asked(), [
      ["c0", "0", "1"],
      ["c1", "25", "1"],
      ["c2", "25", "1"],
    ]);
    assert.deepEqual(received, ["open", "c1", "c2"]);
  });

  test("repeats every few seconds if the server does not hold requests, and at once when the page becomes visible", async () => {
    server.answers = Array.from({ length: 9 }, () => json(FRAME));
    await open(PollConnection);
    timers.tick(0);
    await settled();
    assert.equal(asked().length, 2);
    timers.tick(3_900);
    await settled();
    assert.equal(asked().length, 3);
    connection.send({ visible: false });
    timers.tick(3_900);
    await settled();
    assert.equal(asked().length, 4);
    timers.tick(3_900);
    await settled();
    assert.equal(asked().length, 4);
    connection.send({ visible: true });
    await settled();
    assert.equal(asked().length, 5);
  });

  test("reports the page as hidden when it only catches up", async () => {
    connection = new PollConnection(LIVE, new URL("poll/", LIVE), { visible: false });
    connection.open();
    await settled();
    assert.deepEqual(asked(), [[null, "0", "0"]]);
  });

  test("is given up when it hangs for too long", async () => {
    await open(PollConnection);
    timers.tick(10_000);
    await settled();
    assert.deepEqual(closings(), [[1006, ""]]);
  });
});
