// @ts-check
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { HubClient } from "../../../notifications_hub/static/notifications_hub/client/hub-client.js";
import { HubLine } from "../../../notifications_hub/static/notifications_hub/client/hub-line.js";
import { HubState } from "../../../notifications_hub/static/notifications_hub/protocol/hub-state.js";
import { FakeConnection } from "../support/fake-connection.js";
import { FakePage } from "../support/fake-page.js";

/** @type {FakeConnection[]} */
let connections;
/** @type {FakePage} */
let page;
/** @type {any[]} */
let received;
/** @type {HubClient} */
let client;

beforeEach(() => {
  connections = [];
  page = new FakePage();
  received = [];
});

// A client that is not stopped retries for ever, and the test run would not end.
afterEach(() => client.stop());

/** @param {string[]} topics */
function aClient(...topics) {
  const connect = (/** @type {any} */ query) => {
    connections.push(new FakeConnection(query()));
    return connections.at(-1) ?? assert.fail();
  };
  const line = (/** @type {any} */ query) => new HubLine({ connect, watch: page, query, random: () => 1 });
  client = new HubClient({ line, topics: ["inbox", ...topics] });
  client.addEventListener("hub-event", (event) => received.push(/** @type {any} */ (event).seq));
  client.addEventListener("hub-reset", (event) => received.push({ reset: /** @type {any} */ (event).topics }));
  client.addEventListener("hub-refused", (event) => received.push({ refused: /** @type {any} */ (event).topic }));
  client.start("c0");
}

const last = () => connections.at(-1) ?? assert.fail("nothing was opened");

test("it connects with the cursor of the first load and reports whether it is visible", () => {
  aClient("post.9");
  assert.equal(last().cursor, "c0");
  assert.deepEqual(last().topics, ["inbox", "post.9"]);
  assert.deepEqual(last().sent, [{ visible: true }]);
  assert.equal(client.state, HubState.CONNECTING);
});

test("it is live once it has caught up", () => {
  aClient();
  last().sends([{ seq: 1 }], "c1", { more: true });
  assert.equal(client.state, HubState.CONNECTING);
  last().sends([{ seq: 2 }], "c2");
  assert.equal(client.state, HubState.LIVE);
  assert.deepEqual(received, [1, 2]);
});

test("an applied event is not applied again", () => {
  aClient();
  last().sends([{ seq: 4 }, { seq: 5 }], "c5");
  last().sends([{ seq: 5 }, { seq: 6 }], "c6");
  assert.deepEqual(received, [4, 5, 6]);
});

test("it resumes before a gap, and applies the events of that frame once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  last().sends([{ seq: 1 }], "c1");
  last().sends([{ seq: 2 }, { seq: 4 }], "c4");
  assert.deepEqual(received, [1, 2]);
  t.mock.timers.tick(1_000);
  assert.equal(last().cursor, "c1");
  last().sends([{ seq: 2 }, { seq: 3 }, { seq: 4 }], "c4");
  assert.deepEqual(received, [1, 2, 3, 4]);
});

test("a persistent gap is a reset, not a loop", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  last().sends([{ seq: 1 }], "c1");
  last().sends([{ seq: 4 }], "c4");
  t.mock.timers.tick(1_000);
  last().sends([{ seq: 4 }], "c4");
  t.mock.timers.tick(1_000);
  last().sends([{ seq: 4 }, { seq: 5 }], "c5");
  assert.deepEqual(received, [1, { reset: ["inbox"] }, 4, 5]);
  assert.equal(connections.length, 3);
});

test("after a reset a topic may start anywhere", () => {
  aClient();
  last().sends([{ seq: 70 }], "c70");
  last().sends([{ seq: 3 }], "d3", { reset: ["inbox"] });
  assert.deepEqual(received, [70, { reset: ["inbox"] }, 3]);
});

test("a lost connection is reopened with the newest cursor", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  last().sends([{ seq: 1 }], "c1");
  last().breaks(1006);
  assert.equal(client.state, HubState.WAITING);
  t.mock.timers.tick(2_000);
  assert.equal(connections.length, 2);
  assert.equal(last().cursor, "c1");
});

test("it waits longer each time, at most a minute, and never gives up", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  for (let failures = 1; failures <= 200; failures += 1) {
    last().breaks(1006);
    t.mock.timers.tick(Math.min(60_000, 1_000 * 2 ** failures) - 1);
    assert.equal(connections.length, failures);
    t.mock.timers.tick(1);
    assert.equal(connections.length, failures + 1);
  }
});

test("a connection that lasted resets the wait, but one that was cut at once does not", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  for (let cut = 1; cut <= 6; cut += 1) {
    last().sends([], "c1");
    last().breaks(4408);
    t.mock.timers.tick(60_000);
  }
  last().sends([], "c1");
  t.mock.timers.tick(11_000);
  last().breaks(1006);
  t.mock.timers.tick(1_000);
  assert.equal(connections.length, 8);
});

test("a hanging handshake is given up", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  t.mock.timers.tick(30_000);
  assert.equal(connections.at(0)?.closed, true);
  t.mock.timers.tick(2_000);
  assert.equal(connections.length, 2);
});

for (const type of ["page-online", "page-focus", "page-visible", "page-restored"]) {
  test(`it reconnects at once on ${type}`, () => {
    aClient();
    last().breaks(1006);
    page.say(type);
    assert.equal(connections.length, 2);
  });
}

test("a socket that slept in a hidden tab is replaced, and any other is kept", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  last().sends([], "c1");
  t.mock.timers.tick(5_000);
  page.hide();
  page.show(29_000);
  assert.equal(connections.length, 1);
  page.hide();
  page.show(31_000);
  assert.equal(connections.length, 2);
  assert.equal(connections.at(0)?.closed, true);
  assert.equal(last().cursor, "c1");
});

for (const type of ["page-online", "page-woke"]) {
  test(`a socket that may have died is replaced once on repeated ${type}`, (t) => {
    t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
    aClient();
    last().sends([], "c1");
    t.mock.timers.tick(5_000);
    for (let times = 0; times < 8; times += 1) page.say(type);
    assert.equal(connections.length, 2);
    assert.equal(last().cursor, "c1");
  });
}

for (const type of ["page-online", "page-woke"]) {
  test(`a socket that may have died is replaced on ${type} although the clock went back`, (t) => {
    t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 86_400_000 });
    aClient();
    last().sends([], "c1");
    t.mock.timers.setTime(3_600_000);
    for (let times = 0; times < 8; times += 1) page.say(type);
    assert.equal(connections.length, 2);
    assert.equal(last().cursor, "c1");
  });
}

test("looking at a live page opens nothing", () => {
  aClient();
  last().sends([], "c1");
  page.say("page-focus");
  assert.equal(connections.length, 1);
});

test("it reports when it is hidden and when it is visible", () => {
  aClient();
  page.hide();
  page.show();
  assert.deepEqual(last().sent, [{ visible: true }, { visible: false }, { visible: true }]);
});

test("a page closes its connection when it is left and opens it when it is restored", () => {
  aClient();
  last().sends([], "c1");
  page.say("page-left");
  assert.equal(connections.at(0)?.closed, true);
  page.say("page-restored");
  assert.equal(last().cursor, "c1");
  assert.equal(connections.length, 2);
});

test("displayed items are acknowledged", () => {
  aClient();
  last().sends([{ seq: 1 }], "c1");
  client.displayed("c1");
  assert.deepEqual(last().sent.at(-1), { ack: "c1" });
});

test("without a cursor nothing is acknowledged, since some items still wait", () => {
  aClient();
  last().sends([{ seq: 1 }], "c1");
  client.displayed("", ["1"]);
  assert.deepEqual(last().sent, [{ visible: true }]);
});

test("an acknowledgement waits for a connection", () => {
  aClient();
  last().breaks(1006);
  client.displayed("c1");
  page.say("page-online");
  assert.deepEqual(last().sent, [{ visible: true }, { ack: "c1" }]);
});

test("a hidden page acknowledges nothing", () => {
  aClient();
  page.hide();
  client.displayed("c1");
  assert.deepEqual(last().sent, [{ visible: true }, { visible: false }]);
});

test("an expired session ends it", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  last().breaks(4401);
  assert.equal(client.state, HubState.SIGNED_OUT);
  t.mock.timers.tick(600_000);
  for (const type of ["page-online", "page-focus", "page-restored"]) page.say(type);
  page.show(60_000);
  assert.equal(connections.length, 1);
});

test("a refused topic is dropped, and the others go on", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient("post.9", "post.91");
  last().breaks(4403, "topic refused: post.91");
  t.mock.timers.tick(1_000);
  assert.deepEqual(last().topics, ["inbox", "post.9"]);
  assert.deepEqual(received, [{ refused: "post.91" }]);
  assert.equal(client.state, HubState.CONNECTING);
});

test("a refused inbox ends it", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient("post.9");
  last().breaks(4403, "topic refused: inbox");
  t.mock.timers.tick(600_000);
  assert.equal(client.state, HubState.REFUSED);
  assert.equal(connections.length, 1);
});

test("after too many connections it waits until the page is looked at, not for the network or a timer", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  last().sends([], "c1");
  last().breaks(4429);
  t.mock.timers.tick(600_000);
  page.say("page-online");
  assert.equal(connections.length, 1);
  assert.equal(client.state, HubState.CROWDED);
  page.say("page-focus");
  assert.equal(connections.length, 2);
});

test("a connection refused as one too many before it was live is retried with a growing wait", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  for (const wait of [2_000, 4_000, 8_000]) {
    last().breaks(4429);
    assert.equal(client.state, HubState.WAITING);
    const before = connections.length;
    t.mock.timers.tick(wait - 1);
    assert.equal(connections.length, before);
    t.mock.timers.tick(1);
    assert.equal(connections.length, before + 1);
  }
});

test("one too many comes back no sooner than it was asked to, and later than others by a random time", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  last().breaks(4429, "too many connections; come back in 5 s");
  t.mock.timers.tick(5_000 + 2_000 - 1);
  assert.equal(connections.length, 1);
  t.mock.timers.tick(1);
  assert.equal(connections.length, 2);
});

test("after a server restart it reconnects within seconds", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  last().sends([], "c1");
  last().breaks(1012, "restart");
  t.mock.timers.tick(3_000);
  assert.equal(connections.length, 2);
});

test("a server that cannot reach its database is asked later each time, and no sooner than it says", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  for (const wait of [2_000, 4_000, 8_000]) {
    last().breaks(1012, "unavailable; come back in 5 s");
    const before = connections.length;
    t.mock.timers.tick(5_000 + wait - 1);
    assert.equal(connections.length, before);
    t.mock.timers.tick(1);
    assert.equal(connections.length, before + 1);
  }
});

test("an unreadable cursor is dropped, and everything is fetched again", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient("post.9");
  last().breaks(4400);
  t.mock.timers.tick(2_000);
  assert.equal(last().cursor, "");
  assert.deepEqual(received, [{ reset: ["inbox", "post.9"] }]);
});

test("it stays stopped", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  client.stop();
  t.mock.timers.tick(600_000);
  page.say("page-online");
  assert.equal(connections.length, 1);
  assert.equal(connections.at(0)?.closed, true);
});

test("every event is applied once and in order, however often the connection is cut", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  aClient();
  let seed = 42;
  const dice = (/** @type {number} */ sides) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % sides;
  };
  const log = Array.from({ length: 500 }, (_, index) => ({ seq: index + 1 }));
  /** @type {WeakMap<FakeConnection, number>} */
  const sentUpTo = new WeakMap();
  for (let step = 0; step < 20_000 && received.length < log.length; step += 1) {
    // A resumed server starts from the cursor; later it may repeat some events, or lose a frame on the way.
    const at = sentUpTo.get(last());
    const from = at === undefined ? Number(last().cursor.slice(1)) : Math.max(0, at + ([0, 0, -3, 2][dice(4)] ?? 0));
    const to = Math.min(log.length, from + dice(6));
    sentUpTo.set(last(), to);
    if (from < to) last().sends(log.slice(from, to), `c${to}`);
    if (dice(5) === 0) last().breaks([1006, 1012, 4408][dice(3)] ?? 1006);
    t.mock.timers.tick(10_000);
  }
  assert.deepEqual(
    received,
    log.map(({ seq }) => seq),
  );
});
