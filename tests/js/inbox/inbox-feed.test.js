// @ts-check
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { HubClient } from "../../../notifications_hub/static/notifications_hub/client/hub-client.js";
import { HubLine } from "../../../notifications_hub/static/notifications_hub/client/hub-line.js";
import { FeedState, InboxFeed } from "../../../notifications_hub/static/notifications_hub/inbox/inbox-feed.js";
import { InboxStore } from "../../../notifications_hub/static/notifications_hub/inbox/inbox-store.js";
import { ApiError } from "../../../notifications_hub/static/notifications_hub/shared/api-error.js";
import { FakeConnection } from "../support/fake-connection.js";
import { FakePage } from "../support/fake-page.js";
import { anItem } from "../support/items.js";

/** A fake API: its answers and the requests it received. */
class FakeApi {
  /** @type {any} */
  page = { results: [], next: null, cursor: "c0" };
  counts = { unread: 0, unseen: 0 };
  /** @type {any[]} */
  asked = [];
  /** @type {Error | null} */
  fails = null;

  /**
   * @param {string} what
   * @param {any} [answer]
   */
  async #answer(what, answer) {
    this.asked.push(what);
    if (this.fails) throw this.fails;
    return structuredClone(answer);
  }

  list = () => this.#answer("list", this.page);
  count = () => this.#answer("count", this.counts);
  markRead = (/** @type {string[]} */ ids) => this.#answer(`read ${ids}`);
  markAllRead = () => this.#answer("read all");
  markAllSeen = () => this.#answer("seen all");
  archive = (/** @type {string[]} */ ids) => this.#answer(`archive ${ids}`);
}

/** @type {FakeApi} */
let api;
/** @type {FakeConnection[]} */
let connections;
/** @type {InboxStore} */
let store;
/** @type {InboxFeed} */
let feed;
/** @type {any[]} */
let fresh;

beforeEach(() => {
  api = new FakeApi();
  connections = [];
  store = new InboxStore({ unread: 7, unseen: 7 });
  fresh = [];
  const connect = (/** @type {any} */ query) => {
    connections.push(new FakeConnection(query()));
    return last();
  };
  const watch = new FakePage();
  const line = (/** @type {any} */ query) => new HubLine({ connect, watch, query, random: () => 1 });
  const client = new HubClient({ line, topics: ["inbox", "post.9"] });
  feed = new InboxFeed({ api: /** @type {any} */ (api), client, store, others: ["post.9"], random: () => 1 });
  feed.addEventListener("inbox-changed", (event) => {
    const { change, cursor } = /** @type {any} */ (event);
    for (const item of change?.fresh ?? []) fresh.push([item.id, cursor]);
  });
});

afterEach(() => feed.stop());

const last = () => connections.at(-1) ?? assert.fail("nothing was opened");
const created = (/** @type {number} */ seq, /** @type {string} */ id) => ({
  seq,
  kind: "notification.created",
  data: anItem(id),
});
const changed = (/** @type {number} */ seq, /** @type {string} */ what, /** @type {string} */ id) => ({
  seq,
  kind: `notification.${what}`,
  data: { ids: [id] },
});

/** Wait for promises to settle. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("it loads first, and then listens from the page's cursor", async () => {
  api.page = { results: [anItem("1")], next: null, cursor: "c7" };
  const loaded = feed.start();
  assert.equal(connections.length, 0);
  await loaded;
  assert.equal(last().cursor, "c7");
  assert.equal(feed.state, FeedState.READY);
  assert.equal(store.unread, 1);
});

test("events are applied, and fresh items are dispatched with their cursor", async () => {
  await feed.start();
  last().sends([created(1, "1")], "c1");
  assert.equal(store.unread, 1);
  assert.deepEqual(fresh, [["1", "c1"]]);
});

test("a catch-up of several frames is applied as a whole, so items read in it are not shown", async () => {
  await feed.start();
  last().sends([created(1, "1"), created(2, "2")], "c2", { more: true });
  assert.deepEqual(fresh, []);
  last().sends([changed(3, "read", "1")], "c3");
  assert.deepEqual(fresh, [["2", "c3"]]);
});

test("a reset loads again, and later events are applied after the rows", async () => {
  await feed.start();
  api.page = { results: [anItem("5", { unread: true })], next: null, cursor: "d0" };
  last().sends([], "d1", { reset: ["inbox"] });
  last().sends([changed(9, "read", "5")], "d2");
  await settled();
  assert.deepEqual(api.asked, ["list", "list"]);
  assert.equal(store.get("5")?.unread, false);
  assert.equal(connections.length, 1);
});

test("a reset of another topic loads nothing", async () => {
  await feed.start();
  last().sends([], "c1", { reset: ["post.9"] });
  assert.deepEqual(api.asked, ["list"]);
});

test("an audience's topic belongs to the inbox", async () => {
  await feed.start();
  last().sends([], "c1", { reset: ["everyone"] });
  assert.deepEqual(api.asked, ["list", "list"]);
  await settled();
});

test("a person's action shows at once", async () => {
  api.page = { results: [anItem("1"), anItem("2")], next: null, cursor: "c0" };
  await feed.start();
  const sent = feed.markRead("1");
  assert.equal(store.unread, 1);
  await sent;
  assert.deepEqual(api.asked, ["list", "read 1"]);
});

test("an item that is read already is not sent again", async () => {
  api.page = { results: [anItem("1", { unread: false, seen: true })], next: null, cursor: "c0" };
  await feed.start();
  await feed.markRead("1");
  await feed.markAllSeen();
  assert.deepEqual(api.asked, ["list"]);
});

test("reading an item beyond the loaded ones is sent, and the server counts", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  await feed.start();
  api.counts = { unread: 3, unseen: 0 };
  await feed.markRead("77");
  last().sends([changed(1, "read", "77")], "c1");
  t.mock.timers.tick(800);
  await settled();
  assert.deepEqual([api.asked, store.unread], [["list", "read 77", "count"], 3]);
});

test("marking all includes the items on further pages", async () => {
  api.page = { results: [anItem("1")], next: "x", cursor: "c0" };
  api.counts = { unread: 90, unseen: 90 };
  await feed.start();
  store.setCounts(api.counts);
  await feed.markAllSeen();
  assert.deepEqual([store.unread, store.unseen], [90, 0]);
  await feed.markAllRead();
  assert.deepEqual([store.unread, store.unseen], [0, 0]);
});

test("a failed action is undone by loading again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  api.page = { results: [anItem("1")], next: null, cursor: "c0" };
  await feed.start();
  api.fails = new ApiError(500, "");
  await feed.archive("1");
  assert.equal(store.items.length, 0);
  api.fails = null;
  t.mock.timers.tick(1_000);
  await settled();
  assert.equal(store.items.length, 1);
});

test("a failed first load is retried with a growing wait, and never given up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  api.fails = new ApiError(0, "offline");
  await feed.start();
  assert.equal(feed.state, FeedState.FAILED);
  for (let failures = 1; failures <= 20; failures += 1) {
    t.mock.timers.tick(Math.min(60_000, 1_000 * 2 ** (failures - 1)));
    await settled();
    assert.equal(api.asked.length, failures + 1);
  }
  api.fails = null;
  t.mock.timers.tick(60_000);
  await settled();
  assert.equal(feed.state, FeedState.READY);
  assert.equal(connections.length, 1);
});

for (const status of [401, 403]) {
  test(`a first load that is refused with ${status} ends it`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    api.fails = new ApiError(status, "");
    await feed.start();
    t.mock.timers.tick(600_000);
    await settled();
    assert.deepEqual([feed.state, api.asked, connections], [FeedState.ENDED, ["list"], []]);
  });
}

test("a session that ends on the line ends the feed too", async () => {
  await feed.start();
  last().breaks(4401);
  assert.equal(feed.state, FeedState.ENDED);
});

test("a first page of several fetches the counts", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  api.page = { results: [anItem("1")], next: "x", cursor: "c0" };
  api.counts = { unread: 90, unseen: 4 };
  await feed.start();
  t.mock.timers.tick(800);
  await settled();
  assert.deepEqual([store.unread, store.unseen], [90, 4]);
});

test("an event counted while the line was lost is not counted again when it arrives", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  api.page = { results: [anItem("1")], next: "x", cursor: "c0" };
  api.counts = { unread: 91, unseen: 1 };
  await feed.start();
  last().sends([], "c0");
  t.mock.timers.tick(800);
  await settled();
  t.mock.timers.tick(20_000);
  last().breaks(1006);
  t.mock.timers.tick(1_000);
  last().sends([created(1, "2")], "c1");
  assert.equal(store.unread, 92);
  t.mock.timers.tick(800);
  await settled();
  assert.equal(store.unread, 91);
});

test("a change to an item that is not on the page fetches the counts", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  await feed.start();
  api.counts = { unread: 2, unseen: 2 };
  last().sends([changed(1, "unread", "77")], "c1");
  t.mock.timers.tick(800);
  await settled();
  assert.deepEqual([store.unread, api.asked], [2, ["list", "count"]]);
});

test("a change without ids loads the list again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await feed.start();
  last().sends([{ seq: 1, kind: "notification.read", data: { through: "x" } }], "c1");
  t.mock.timers.tick(1_000);
  await settled();
  assert.deepEqual(api.asked, ["list", "list"]);
});
