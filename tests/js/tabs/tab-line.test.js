// @ts-check
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { HubState } from "../../../notifications_hub/static/notifications_hub/protocol/hub-state.js";
import { begin, end, hub, numbers, open, pass, publish, settled, Tab, tabs } from "../support/tabs.js";

beforeEach(begin);
afterEach(end);

test("all tabs share one connection, and each receives everything once", async () => {
  for (let count = 0; count < 8; count += 1) await open();
  for (let count = 0; count < 5; count += 1) await publish("inbox");
  assert.deepEqual([hub.open.size, hub.opened], [1, 1]);
  for (const tab of tabs) {
    assert.deepEqual(tab.of("inbox"), numbers(1, 5));
    assert.equal(tab.client.state, HubState.LIVE);
  }
});

test("events between a tab's first load and its joining are not lost", async () => {
  await open();
  const late = new Tab([], {});
  tabs.push(late);
  hub.publish("inbox");
  await settled();
  await publish("inbox");
  assert.deepEqual(late.of("inbox"), ["1", "2"]);
});

test("one tab shows toasts, and the focused one before other visible ones", async () => {
  const [first, second, third] = [await open(), await open(), await open([], { visible: false })];
  await publish("inbox");
  assert.deepEqual([first.delivered, second.delivered, third.delivered], [["inbox 1"], [], []]);
  second.page.focused = true;
  second.page.say("page-focus");
  await settled();
  await publish("inbox");
  assert.deepEqual([first.delivered, second.delivered, third.delivered], [["inbox 1"], ["inbox 2"], []]);
});

test("a tab that cannot show toasts does not, though it leads and has the focus", async () => {
  const list = await open([], { toasts: false });
  list.page.focused = true;
  list.page.say("page-focus");
  const bell = await open();
  await publish("inbox");
  assert.deepEqual([list.leads, list.delivered, bell.delivered], [true, [], ["inbox 1"]]);
});

test("a hidden leader shows no toasts while another tab is visible", async () => {
  const leader = await open([], { visible: false });
  const other = await open();
  await publish("inbox");
  assert.deepEqual([leader.leads, leader.delivered, other.delivered], [true, [], ["inbox 1"]]);
});

test("no tab shows toasts while all are hidden, and the next visible one gets the waiting items", async () => {
  const hidden = await open([], { visible: false });
  await publish("inbox");
  assert.deepEqual(hidden.delivered, []);
  hidden.unshown = [{ id: "7" }];
  const seen = await open();
  assert.deepEqual(seen.late, [[{ id: "7" }]]);
  seen.client.displayed("c", ["7"]);
  await settled();
  assert.deepEqual([hidden.shown, seen.acked], [["7"], ["c"]]);
});

test("other tabs learn of displayed items, even before the acknowledgement", async () => {
  const leader = await open();
  const other = await open();
  const [connection] = hub.open;
  other.client.displayed("", ["7"]);
  leader.client.displayed("", ["8"]);
  await settled();
  assert.deepEqual([leader.shown, other.shown, other.acked], [["7"], ["8"], []]);
  assert.deepEqual(connection?.sent, []);
});

test("the hub is informed of a visible page as long as any tab is visible", async () => {
  const first = await open();
  const second = await open();
  const [connection] = hub.open;
  first.page.hide();
  await settled();
  assert.deepEqual(connection?.sent, []);
  second.kill();
  await settled();
  assert.deepEqual(connection?.sent, [{ visible: false }]);
  first.page.show();
  await settled();
  assert.deepEqual(connection?.sent, [{ visible: false }, { visible: true }]);
});

test("frames passed on while a tab joins are applied after its catch-up, and not fetched again", async () => {
  await open();
  const poll = hub.poll.bind(hub);
  let answer = () => {};
  hub.poll = (query) => {
    const connection = poll(query);
    const ask = connection.open.bind(connection);
    connection.open = () => {
      answer = ask;
    };
    return connection;
  };
  const late = new Tab([], {});
  tabs.push(late);
  hub.publish("inbox");
  await settled();
  await publish("inbox");
  assert.deepEqual(late.received, []);
  answer();
  await settled();
  await publish("inbox");
  assert.deepEqual([late.of("inbox"), hub.polled], [["1", "2", "3"], 1]);
});

test("the connection carries the topics of all tabs", async () => {
  const [first, second] = [await open(), await open(["post.9"])];
  for (const topic of ["post.9", "inbox", "post.9"]) await publish(topic);
  assert.deepEqual([hub.open.size, hub.opened], [1, 1]);
  assert.deepEqual(second.received, ["post.9 reset", "post.9 1", "inbox 1", "post.9 2"]);
  assert.deepEqual(first.of("inbox"), ["1"]);
  assert.equal(first.received.includes("post.9 reset"), false);
});

test("a topic that the inbox includes needs no other connection", async () => {
  hub.included.add("everyone");
  const [, second] = [await open(), await open(["everyone"])];
  await pass(5_000);
  assert.deepEqual([hub.opened, second.client.state], [1, HubState.LIVE]);
});

test("the connection is reopened if the server accepts no topics on it", async () => {
  hub.takesTopics = false;
  const [, second] = [await open(), await open(["post.9"])];
  await pass(3_500);
  await publish("post.9");
  assert.deepEqual([hub.open.size, hub.opened, second.of("post.9")], [1, 2, ["reset", "1"]]);
});

test("a refused topic is refused to the tab that asked for it", async () => {
  hub.refused.add("post.13");
  const [first, second] = [await open(), await open(["post.13"])];
  await pass(3_000);
  await publish("inbox");
  assert.deepEqual([first.received, second.received], [["inbox 1"], ["post.13 refused", "inbox 1"]]);
});

test("a tab gets its own connection if one cannot carry all topics", async () => {
  await open(Array.from({ length: 20 }, (_, number) => `post.${number}`));
  const second = await open(Array.from({ length: 20 }, (_, number) => `room.${number}`));
  await pass(4_000);
  await publish("room.19");
  assert.equal(hub.open.size, 2);
  assert.deepEqual(second.of("room.19").at(-1), "1");
});

test("all tabs see the state of the line", async () => {
  const [first, second] = [await open(), await open()];
  hub.breakAll(1006);
  await settled();
  assert.deepEqual([first.client.state, second.client.state], [HubState.WAITING, HubState.WAITING]);
  hub.publish("inbox");
  await pass(3_000);
  assert.deepEqual([first.client.state, second.client.state], [HubState.LIVE, HubState.LIVE]);
  assert.deepEqual([first.of("inbox"), second.of("inbox")], [["1"], ["1"]]);
});

test("after too many connections, looking at any tab reopens the line", async () => {
  const [first, second] = [await open(), await open()];
  hub.breakAll(4429);
  await pass(600_000);
  assert.deepEqual([hub.open.size, first.client.state, second.client.state], [0, HubState.CROWDED, HubState.CROWDED]);
  second.page.say("page-focus");
  await settled();
  assert.deepEqual([hub.open.size, second.client.state], [1, HubState.LIVE]);
});

test("two people in one browser share nothing", async () => {
  await open();
  await open([], { person: "bob" });
  assert.equal(hub.open.size, 2);
});

test("an unreadable cursor makes every tab fetch everything again", async () => {
  const [first, second] = [await open(), await open()];
  hub.breakAll(4400);
  await pass(4_000);
  await publish("inbox");
  assert.deepEqual([first.received, second.received.at(-1)], [["inbox reset", "inbox 1"], "inbox 1"]);
});
