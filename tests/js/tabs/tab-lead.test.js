// @ts-check
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { HubState } from "../../../notifications_hub/static/notifications_hub/protocol/hub-state.js";
import { begin, browser, end, hub, numbers, open, pass, publish, settled, Tab, tabs } from "../support/tabs.js";

beforeEach(begin);
afterEach(end);

test("another tab takes over from its own position when the leader is closed", async () => {
  const [leader, ...others] = [await open(), await open(), await open()];
  await publish("inbox");
  leader.page.say("page-left");
  tabs.shift();
  hub.publish("inbox");
  await pass(500);
  await publish("inbox");
  for (const tab of others) assert.deepEqual(tab.of("inbox"), ["1", "2", "3"]);
  assert.deepEqual([hub.open.size, hub.opened], [1, 2]);
});

test("a visible tab replaces a leader that does not answer", async () => {
  const [leader, hidden, seen] = [await open(), await open([], { visible: false }), await open()];
  browser.deaf.add(leader);
  await pass(7_000);
  assert.deepEqual([leader.leads, hidden.leads, seen.leads], [false, false, true]);
  await publish("inbox");
  browser.deaf.delete(leader);
  await pass(6_000);
  await publish("inbox");
  for (const tab of tabs) assert.deepEqual(tab.of("inbox"), ["1", "2"]);
  assert.equal(hub.open.size, 1);
});

test("a visible tab replaces a leader that was hidden for long", async () => {
  const [leader, seen] = [await open(), await open()];
  leader.page.hide();
  await pass(50_000);
  assert.equal(leader.leads, true);
  await pass(20_000);
  assert.deepEqual([leader.leads, seen.leads, hub.open.size], [false, true, 1]);
});

test("a former leader that has not noticed its loss is not followed", async () => {
  const [, follower] = [await open(), await open()];
  const stale = browser.openChannelOf({})();
  const frame = { events: [{ topic: "inbox", seq: 99, kind: "k", data: {}, at: "" }], cursor: "", reset: [] };
  stale.postMessage({ type: "frame", from: "x", term: 1, number: 1, notifier: "", frame });
  stale.postMessage({ type: "welcome", from: "x", term: 1, to: "", state: HubState.WAITING, unshown: { items: [] } });
  await settled();
  await publish("inbox");
  assert.deepEqual([follower.received, follower.client.state, hub.polled], [["inbox 1"], HubState.LIVE, 1]);
});

test("a page restored from the browser's cache joins again without loss", async () => {
  const [first, second] = [await open(), await open()];
  second.page.say("page-left");
  await publish("inbox");
  second.page.say("page-restored");
  await settled();
  first.page.say("page-left");
  await pass(500);
  await publish("inbox");
  assert.deepEqual(second.of("inbox"), ["1", "2"]);
  assert.equal(second.client.state, HubState.LIVE);
});

test("a tab notices missed messages with the next one, or when it becomes visible", async () => {
  const [, deaf] = [await open(), await open()];
  browser.deaf.add(deaf);
  await publish("inbox");
  browser.deaf.delete(deaf);
  await publish("inbox");
  await pass(500);
  assert.deepEqual(deaf.of("inbox"), ["1", "2"]);
  browser.deaf.add(deaf);
  await publish("inbox");
  browser.deaf.delete(deaf);
  deaf.page.show();
  await settled();
  assert.deepEqual(deaf.of("inbox"), ["1", "2", "3"]);
});

test("an expired session ends every tab's line, and makes room for the next session", async () => {
  await open();
  await open();
  const connect = hub.connect.bind(hub);
  hub.connect = (query) => {
    const connection = connect(query);
    queueMicrotask(() => connection.breaks(4401));
    return connection;
  };
  hub.breakAll(4401);
  await pass(1_000);
  for (const tab of tabs) assert.equal(tab.client.state, HubState.SIGNED_OUT);
  hub.connect = connect;
  const next = await open();
  await pass(500);
  assert.deepEqual([next.leads, next.client.state], [true, HubState.LIVE]);
});

test("each tab applies every event once and in order, despite failing tabs, messages and connections", async () => {
  let seed = 7;
  const dice = (/** @type {number} */ sides) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return (seed >> 8) % sides;
  };
  const any = () => tabs[dice(tabs.length)] ?? assert.fail();
  /** @type {Map<Tab, number>} */
  const from = new Map();
  const opened = async () => {
    const top = hub.top("inbox");
    from.set(await open(), top);
  };
  const acts = [
    opened,
    () => tabs.length > 1 && any().kill(),
    () => hub.breakAll([1006, 1012, 4408][dice(3)] ?? 1006),
    () => browser.deaf.add(any()),
    () => browser.deaf.clear(),
    () => any().page.hide(),
    () => any().page.show(dice(60_000)),
  ];
  await opened();
  for (let step = 0; step < 400; step += 1) {
    for (let count = dice(4); count > 0; count -= 1) hub.publish("inbox");
    if (dice(3) === 0) await acts[dice(acts.length)]?.();
    await pass(dice(3) * 400);
  }
  browser.deaf.clear();
  for (const tab of tabs) tab.page.show();
  await pass(30_000);
  await publish("inbox");
  await pass(5_000);
  assert.equal(hub.open.size, 1);
  for (const tab of tabs) assert.deepEqual(tab.of("inbox"), numbers((from.get(tab) ?? 0) + 1, hub.top("inbox")));
});
