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

  /** Later pages by the `next` of the page before. @type {Record<string, any>} */
  pages = {};

  list = (/** @type {{before?: string}} */ { before = "" } = {}) =>
    this.#answer(before ? `list ${before}` : "list", this.pages[before] ?? this.page);
  count = () => this.#answer("count", this.counts);
  mark = (/** @type {string} */ mark, /** @type {{ids?: string[]}} */ { ids }) =>
    this.#answer(`${mark} ${ids ?? "all"}`, { changed: ids?.length ?? 90, undo: ids ? "one" : "all" });
  markAllSeen = () => this.#answer("seen all", { changed: 1 });
  undo = (/** @type {string} */ token) => this.#answer(`undo ${token}`, { changed: token === "all" ? 90 : 1 });
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
/** @type {any[]} */
let done;
/** @type {any[]} */
let failed;

beforeEach(() => {
  api = new FakeApi();
  connections = [];
  store = new InboxStore({ unread: 7, unseen: 7 });
  fresh = [];
  done = [];
  failed = [];
  const report = {
    done: (/** @type {any} */ one) => done.push(one),
    failed: (/** @type {any} */ one) => failed.push(one),
  };
  const connect = (/** @type {any} */ query) => {
    connections.push(new FakeConnection(query()));
    return last();
  };
  const watch = new FakePage();
  const line = (/** @type {any} */ query) => new HubLine({ connect, watch, query, random: () => 1 });
  const client = new HubClient({ line, topics: ["inbox", "post.9"] });
  const options = { client, store, report, others: ["post.9"], random: () => 1 };
  feed = new InboxFeed({ api: /** @type {any} */ (api), ...options });
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

const idsOf = (/** @type {any[]} */ items) => items.map(({ id }) => id);

/** Return a page of twenty items, the newest first. */
const pageOf = (/** @type {number} */ newest, /** @type {string | null} */ next) => ({
  results: Array.from({ length: 20 }, (_, index) => timed(newest - index)),
  next,
  cursor: "c0",
});
const timed = (/** @type {number} */ id) => anItem(String(id), { at: new Date(id * 1_000).toISOString() });

test("a change that fails is put back at once, and can be tried again", async () => {
  api.page = { results: [anItem("2"), anItem("1")], next: null, cursor: "c0" };
  await feed.start();
  api.fails = new ApiError(0, "offline");
  const sent = feed.archive("1");
  assert.deepEqual([idsOf(store.items), store.unread], [["2"], 1]);
  await sent;
  assert.deepEqual([idsOf(store.items), store.unread, store.unseen], [["2", "1"], 2, 2]);
  assert.equal(failed[0].change, "archived");
  api.fails = null;
  await failed[0].retry();
  assert.deepEqual([idsOf(store.items), done.length, done[0].key], [["2"], 1, failed[0].key]);
});

test("a change whose answer is lost, but whose event arrived, is not put back, and no failure", async () => {
  api.page = { results: [anItem("2"), anItem("1")], next: null, cursor: "c0" };
  await feed.start();
  api.fails = new ApiError(0, "lost");
  const sent = feed.archive("1");
  last().sends([changed(1, "archived", "1")], "c1");
  await sent;
  assert.deepEqual([idsOf(store.items), store.unread, failed], [["2"], 1, []]);
});

test("marking all that fails restores the counts of items that are not loaded", async () => {
  api.page = { results: [anItem("1")], next: "x", cursor: "c0" };
  await feed.start();
  store.setCounts({ unread: 90, unseen: 80 });
  api.fails = new ApiError(500, "");
  await feed.markAllRead();
  assert.deepEqual([store.unread, store.unseen, store.get("1")?.unread], [90, 80, true]);
});

test("an undo restores rows and counts, and what was read stays seen", async () => {
  api.page = { results: [anItem("1")], next: "x", cursor: "c0" };
  await feed.start();
  store.setCounts({ unread: 90, unseen: 80 });
  await feed.markAllRead();
  assert.deepEqual([done[0].count, store.unread], [90, 0]);
  await done[0].undo();
  assert.deepEqual([store.unread, store.unseen, store.get("1")?.seen], [90, 0, true]);
  assert.equal(api.asked.at(-1), "undo all");
});

test("an undo that fails is taken back, and can be tried again", async () => {
  api.page = { results: [anItem("1")], next: null, cursor: "c0" };
  await feed.start();
  await feed.archive("1");
  api.fails = new ApiError(0, "offline");
  await done[0].undo();
  assert.deepEqual([store.items, failed[0].change], [[], "undo"]);
  api.fails = null;
  await failed[0].retry();
  assert.deepEqual(idsOf(store.items), ["1"]);
});

test("an undo that changed nothing says so, and loads the list again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  api.page = { results: [anItem("1"), anItem("2")], next: null, cursor: "c0" };
  await feed.start();
  await feed.archive("1");
  api.page = { results: [anItem("2")], next: null, cursor: "c1" };
  api.undo = async () => ({ changed: 0 });
  await done[0].undo();
  assert.deepEqual([done[1].change, done[1].undo, failed], ["undo-failed", null, []]);
  t.mock.timers.tick(1_000);
  await settled();
  assert.deepEqual(idsOf(store.items), ["2"]);
});

test("an undo that the server refuses is not offered again", async () => {
  api.page = { results: [anItem("1")], next: null, cursor: "c0" };
  await feed.start();
  await feed.archive("1");
  api.fails = new ApiError(400, "This can't be undone any more.");
  await done[0].undo();
  assert.deepEqual([store.items, done[1].change, failed], [[], "undo-failed", []]);
});

test("a repeated change is sent once while it is under way", async () => {
  api.page = { results: [anItem("1")], next: null, cursor: "c0" };
  await feed.start();
  await Promise.all([feed.archive("1"), feed.archive("1")]);
  assert.deepEqual([api.asked, done.length], [["list", "archive 1"], 1]);
});

test("a change answered with 401 empties the inbox", async () => {
  api.page = { results: [anItem("1"), anItem("2")], next: null, cursor: "c0" };
  await feed.start();
  api.fails = new ApiError(401, "");
  await feed.archive("1");
  last().sends([created(1, "3")], "c1");
  assert.deepEqual([feed.state, store.items, store.unread, failed], [FeedState.ENDED, [], 0, []]);
});

test("a load that is answered after the session ended brings nothing back", async () => {
  api.page = { results: [anItem("1")], next: null, cursor: "c0" };
  await feed.start();
  const loaded = feed.load();
  last().breaks(4401);
  await loaded;
  assert.deepEqual([feed.state, store.items], [FeedState.ENDED, []]);
});

test("an older page that is answered after the session ended brings nothing back", async () => {
  api.page = pageOf(45, "b25");
  api.pages = { b25: pageOf(25, "b5") };
  await feed.start();
  const older = feed.showOlder();
  last().breaks(4401);
  await older;
  assert.deepEqual([feed.state, store.items, feed.older.shown, feed.older.state], [FeedState.ENDED, [], [], "none"]);
});

test("older pages follow one another, and do not change the counts", async () => {
  api.page = pageOf(45, "b25");
  api.pages = { b25: pageOf(25, "b5"), b5: { results: [timed(5), timed(4)], next: null, cursor: "" } };
  await feed.start();
  store.setCounts({ unread: 42, unseen: 42 });
  assert.deepEqual([feed.older.shown.length, feed.older.state], [20, "more"]);
  await feed.showOlder();
  assert.deepEqual([feed.older.shown.length, feed.older.state], [40, "more"]);
  await feed.showOlder();
  assert.deepEqual([feed.older.shown.length, feed.older.state, store.unread], [42, "none", 42]);
  feed.older.showNewest();
  assert.deepEqual([feed.older.shown.length, feed.older.state], [20, "more"]);
});

test("an event that arrives while an older page loads is applied to it", async () => {
  api.page = pageOf(45, "b25");
  api.pages = { b25: pageOf(25, "b5") };
  await feed.start();
  const older = feed.showOlder();
  last().sends([changed(1, "archived", "20")], "c1");
  await older;
  assert.equal(store.get("20"), undefined);
  assert.equal(feed.older.shown.length, 39);
});

test("items that the store dropped are loaded again, without a gap", async () => {
  api.page = pageOf(45, "b25");
  api.pages = { b25: pageOf(25, null) };
  await feed.start();
  await feed.showOlder();
  feed.older.showNewest();
  for (let id = 46; id <= 140; id += 1) store.apply({ kind: "notification.created", data: timed(id) });
  assert.equal(store.items.length, 100);
  api.page = pageOf(140, "b120");
  for (let end = 120; end > 20; end -= 20) api.pages[`b${end}`] = pageOf(end, `b${end - 20}`);
  api.pages.b20 = pageOf(20, null);
  while (feed.older.state === "more") await feed.showOlder();
  const ids = idsOf(feed.older.shown).map(Number);
  assert.deepEqual(
    ids,
    Array.from({ length: 140 }, (_, index) => 140 - index),
  );
});

test("an older page that fails can be asked for again", async () => {
  api.page = pageOf(45, "b25");
  api.pages = { b25: pageOf(25, null) };
  await feed.start();
  api.fails = new ApiError(0, "offline");
  await feed.showOlder();
  assert.deepEqual([feed.older.state, feed.older.shown.length], ["failed", 20]);
  api.fails = null;
  await feed.showOlder();
  assert.deepEqual([feed.older.state, feed.older.shown.length], ["none", 40]);
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
