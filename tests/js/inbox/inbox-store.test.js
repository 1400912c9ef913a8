// @ts-check
/** @import { Item } from "../../../notifications_hub/static/notifications_hub/protocol/wire.js" */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InboxStore } from "../../../notifications_hub/static/notifications_hub/inbox/inbox-store.js";
import { anItem } from "../support/items.js";

/** @param {Item[]} items */
function aStore(...items) {
  const store = new InboxStore();
  store.reset(items, { whole: true });
  return store;
}

/** @param {Item} item */
const created = (item) => ({ kind: "notification.created", data: item });

/**
 * @param {string} what
 * @param {string[]} ids
 */
const changed = (what, ...ids) => ({ kind: `notification.${what}`, data: { ids } });

/** @param {InboxStore} store */
const counts = ({ unread, unseen }) => ({ unread, unseen });

/** @param {{id: string}[]} items */
const idsOf = (items) => items.map(({ id }) => id);

test("before the first load it has the page's initial counts", () => {
  assert.deepEqual(counts(new InboxStore({ unread: 3, unseen: 1 })), { unread: 3, unseen: 1 });
});

test("the counts are computed from the first page if it is the only one", () => {
  const store = aStore(anItem("1"), anItem("2", { seen: true }), anItem("3", { unread: false, seen: true }));
  assert.deepEqual(counts(store), { unread: 2, unseen: 1 });
});

test("a first page of several leaves the counts alone", () => {
  const store = new InboxStore({ unread: 90, unseen: 0 });
  store.reset([anItem("1")], { whole: false });
  assert.equal(store.unread, 90);
});

test("the newest item comes first, in any order of arrival", () => {
  const store = aStore(anItem("5"), anItem("9"));
  store.apply(created(anItem("7")));
  assert.deepEqual(idsOf(store.items), ["9", "7", "5"]);
});

test("at the same time the higher id comes first", () => {
  const at = "2026-11-20T12:00:00Z";
  assert.deepEqual(idsOf(aStore(anItem("9", { at }), anItem("10", { at })).items), ["10", "9"]);
});

test("a new item is counted and fresh", () => {
  const store = aStore();
  const change = store.apply(created(anItem("1")));
  assert.deepEqual(counts(store), { unread: 1, unseen: 1 });
  assert.deepEqual(idsOf(change.fresh), ["1"]);
});

test("an item of the first page is not counted twice, but still needs a toast", () => {
  const store = aStore(anItem("1"));
  assert.deepEqual(idsOf(store.apply(created(anItem("1"))).fresh), ["1"]);
  assert.deepEqual(counts(store), { unread: 1, unseen: 1 });
});

test("an item that was read or delivered before the load needs no toast", () => {
  const store = aStore(anItem("1", { unread: false }), anItem("2", { delivered: true }), anItem("3", { seen: true }));
  const change = store.applyAll([created(anItem("1")), created(anItem("2")), created(anItem("3"))]);
  assert.deepEqual(change.fresh, []);
  assert.equal(store.get("1")?.unread, false);
});

test("an item without a toast is only counted and listed", () => {
  const store = aStore();
  assert.deepEqual(store.apply(created(anItem("1", { toast: false }))).fresh, []);
  assert.equal(store.unread, 1);
});

for (const what of ["delivered", "read", "seen", "archived", "deleted"]) {
  test(`an item that was ${what} in the same catch-up is not shown`, () => {
    assert.deepEqual(aStore().applyAll([created(anItem("1")), changed(what, "1")]).fresh, []);
  });
}

test("items read, archived or deleted elsewhere leave the screen, and delivered or seen ones may stay", () => {
  const store = aStore(...["1", "2", "3", "4", "5"].map((id) => anItem(id)));
  const change = store.applyAll(
    ["read", "archived", "deleted", "delivered", "seen"].map((what, index) => changed(what, String(index + 1))),
  );
  assert.deepEqual(change.gone, ["1", "2", "3"]);
  assert.deepEqual(change.delivered, ["4", "5"]);
});

test("repeated read events count once", () => {
  const store = aStore(anItem("1"), anItem("2"));
  store.applyAll([changed("read", "1"), changed("read", "1")]);
  assert.deepEqual(counts(store), { unread: 1, unseen: 1 });
});

test("an unread event counts again", () => {
  const store = aStore(anItem("1", { unread: false, seen: true }));
  store.apply(changed("unread", "1"));
  assert.deepEqual(counts(store), { unread: 1, unseen: 0 });
});

test("a seen item is not read", () => {
  const store = aStore(anItem("1"));
  store.apply(changed("seen", "1"));
  assert.deepEqual(counts(store), { unread: 1, unseen: 0 });
});

for (const what of ["archived", "deleted"]) {
  test(`an item that is ${what} leaves the list and the counts`, () => {
    const store = aStore(anItem("1"), anItem("2"));
    store.apply(changed(what, "1"));
    assert.deepEqual(idsOf(store.items), ["2"]);
    assert.deepEqual(counts(store), { unread: 1, unseen: 1 });
  });
}

test("an unarchived item is listed again", () => {
  const store = aStore();
  const change = store.apply({ kind: "notification.updated", data: anItem("1") });
  assert.deepEqual(idsOf(store.items), ["1"]);
  assert.equal(change.recount, true);
  assert.deepEqual(change.fresh, []);
});

test("a change to an unknown item fetches the counts", () => {
  for (const what of ["read", "unread", "seen", "archived", "deleted"]) {
    const change = aStore().apply(changed(what, "77"));
    assert.equal(change.recount, true, what);
  }
  assert.equal(aStore().apply(changed("delivered", "77")).recount, false);
});

test("a change without ids fetches the list", () => {
  assert.equal(aStore().apply({ kind: "notification.read", data: { through: "x" } }).reload, true);
});

test("editing an announcement changes only its words", () => {
  const store = aStore(anItem("a5", { unread: false, seen: true, delivered: true }));
  store.apply({ kind: "announcement.updated", data: anItem("a5", { title: "New words" }) });
  assert.deepEqual(store.get("a5"), anItem("a5", { title: "New words", unread: false, seen: true, delivered: true }));
  assert.equal(store.unread, 0);
});

test("editing an announcement older than our page does not add it", () => {
  const store = aStore();
  store.apply({ kind: "announcement.updated", data: anItem("a5") });
  assert.deepEqual(store.items, []);
});

test("a withdrawn announcement is gone", () => {
  const store = aStore();
  const change = store.applyAll([
    { kind: "announcement.created", data: anItem("a5") },
    { kind: "announcement.withdrawn", data: { ids: ["a5"] } },
  ]);
  assert.deepEqual([store.items, change.fresh, counts(store)], [[], [], { unread: 0, unseen: 0 }]);
});

test("kinds of a later version are ignored", () => {
  const store = aStore(anItem("1"));
  const change = store.applyAll([
    { kind: "notification.snoozed", data: { ids: ["1"] } },
    { kind: "toString", data: null },
  ]);
  assert.equal(change.touched, false);
});

test("it keeps a hundred at most", () => {
  const store = aStore();
  for (let id = 1; id <= 300; id += 1) {
    store.apply(created(anItem(String(id), { at: new Date(id * 1_000).toISOString() })));
  }
  assert.equal(store.items.length, 100);
  assert.equal(store.items.at(0)?.id, "300");
  assert.equal(store.unread, 300);
});

test("what is left of a capped count is asked of the server", () => {
  const store = new InboxStore({ unread: 100, unseen: 7 });
  store.append([anItem("1"), anItem("2")]);
  const change = store.apply(changed("read", "1"));
  assert.deepEqual([counts(store), change.recount], [{ unread: 100, unseen: 6 }, true]);
  store.setCounts({ unread: 99, unseen: 6 });
  assert.equal(store.apply(changed("read", "2")).recount, false);
  assert.equal(store.unread, 98);
});

/** Return a repeatable pseudo-random generator. @param {number} seed */
function diceOf(seed) {
  let state = seed;
  return (/** @type {number} */ sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const KINDS = ["created", "read", "unread", "seen", "delivered", "archived", "deleted"];

/** A server's inbox: its real state and the log of its events. */
function aHistory(/** @type {(sides: number) => number} */ dice) {
  /** @type {Map<string, Item>} */
  const rows = new Map();
  /** @type {{kind: string, data: any}[]} */
  const log = [];
  const fields = {
    read: { unread: false, seen: true },
    unread: { unread: true },
    seen: { seen: true },
    delivered: { delivered: true },
  };
  const step = () => {
    const ids = [...rows.keys()];
    const some = ids.filter(() => dice(3) === 0);
    const what = KINDS[dice(KINDS.length)] ?? "";
    if (what === "created") {
      const item = anItem(String(log.length + 1), { at: new Date(log.length * 1_000).toISOString() });
      rows.set(item.id, item);
      log.push(created(item));
    } else if (what === "archived" || what === "deleted") {
      for (const id of some.slice(0, 1)) rows.delete(id);
      if (some.length) log.push(changed(what, ...some.slice(0, 1)));
    } else {
      for (const id of some) rows.set(id, { ...rows.get(id), .../** @type {any} */ (fields)[what] });
      if (some.length) log.push(changed(what, ...some));
    }
  };
  return { rows, log, step };
}

test("after any load and any resume it equals the server's state", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const dice = diceOf(seed);
    const { rows, log, step } = aHistory(dice);
    for (let count = dice(40); count > 0; count -= 1) step();
    const cursor = Math.max(0, log.length - dice(10));
    const store = aStore(...rows.values());
    for (let count = dice(40); count > 0; count -= 1) step();
    const missed = log.slice(cursor);
    while (missed.length) store.applyAll(missed.splice(0, 1 + dice(5)));
    const truth = [...rows.values()];
    assert.deepEqual(new Set(store.items), new Set(truth), `seed ${seed}`);
    const unread = truth.filter((item) => item.unread).length;
    const unseen = truth.filter((item) => item.unread && !item.seen).length;
    assert.deepEqual(counts(store), { unread, unseen }, `seed ${seed}`);
  }
});

test("a catch-up shows exactly the items that still need a toast", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const dice = diceOf(seed);
    const { rows, log, step } = aHistory(dice);
    for (let count = 40; count > 0; count -= 1) step();
    const shown = idsOf(aStore().applyAll(log).fresh);
    const touched = new Set(
      log
        .filter(({ kind }) => /delivered|read$|seen/.test(kind) && !kind.endsWith("unread"))
        .flatMap(({ data }) => data.ids),
    );
    const news = [...rows.keys()].filter((id) => !touched.has(id));
    assert.deepEqual(shown, news, `seed ${seed}`);
  }
});

test("an item erased while this page was away has no row and no toast", () => {
  const store = aStore(anItem("1"));
  const change = store.applyAll([
    { kind: "tombstone", data: {} },
    changed("seen", "2"),
    { kind: "tombstone", data: {} },
    changed("deleted", "2"),
  ]);
  assert.deepEqual([idsOf(store.items), idsOf(change.fresh)], [["1"], []]);
});

test("an item of another scope gets a toast, but no place in the list or the counts", () => {
  const store = new InboxStore(undefined, "7");
  const change = store.applyAll([created(anItem("1", { scope: "8" })), created(anItem("2", { scope: "7" }))]);
  assert.deepEqual(idsOf(change.fresh), ["1", "2"]);
  assert.deepEqual(idsOf(store.items), ["2"]);
  assert.deepEqual(counts(store), { unread: 1, unseen: 1 });
});

test("an item without a scope belongs to every scope, and each item to a store without one", () => {
  const [scoped, whole] = [new InboxStore(undefined, "7"), new InboxStore()];
  scoped.applyAll([created(anItem("1", { scope: "" })), created(anItem("a2"))]);
  whole.applyAll([created(anItem("1", { scope: "" })), created(anItem("3", { scope: "8" }))]);
  assert.deepEqual([scoped.unread, whole.unread], [2, 2]);
});

test("what was read or delivered elsewhere needs no toast, in any scope", () => {
  const store = new InboxStore(undefined, "7");
  const item = anItem("1", { scope: "8" });
  assert.deepEqual(store.applyAll([created(item), changed("read", "1")]).fresh, []);
  assert.deepEqual(store.apply(created({ ...item, delivered: true })).fresh, []);
});

test("a restored item of another scope changes nothing", () => {
  const store = new InboxStore(undefined, "7");
  const change = store.apply({ kind: "notification.updated", data: anItem("1", { scope: "8" }) });
  assert.deepEqual([change.recount, change.touched, store.items], [false, false, []]);
});

const ASKS = { must_acknowledge: true, acknowledged_at: null };

test("what must be confirmed stays on top until it is, also if it is older than the list", () => {
  const store = new InboxStore();
  const old = anItem("1", { ...ASKS, at: "2026-01-01T00:00:00Z" });
  store.reset([anItem("9")], { whole: false }, { results: [old], count: 1 });
  store.apply(created(anItem("10", ASKS)));
  assert.deepEqual(idsOf(store.pinned), ["10", "1"]);
  assert.deepEqual(idsOf(store.items), ["10", "9"], "the list has no gap");

  store.apply(changed("read", "1"));
  assert.deepEqual(idsOf(store.pinned), ["10", "1"], "reading confirms nothing");
  const change = store.apply({
    kind: "notification.updated",
    data: { ...old, unread: false, acknowledged_at: "2026-11-20T12:00:00Z" },
  });
  assert.deepEqual([idsOf(store.pinned), change.gone, store.unconfirmed], [["10"], ["1"], 1]);
});

test("the next one moves up if there are more to confirm than the page has", () => {
  const store = new InboxStore();
  store.reset([], { whole: false }, { results: [anItem("5", ASKS)], count: 2 });
  const change = store.apply(changed("acknowledged", "5"));
  assert.deepEqual([store.pinned, store.unconfirmed, change.reload], [[], 1, true]);
  store.restore([anItem("5", ASKS)], { unread: 0, unseen: 0 });
  assert.deepEqual([idsOf(store.pinned), store.unconfirmed], [["5"], 2], "a failed confirmation is taken back");
});

test("new words of an announcement do not take back its confirmation", () => {
  const store = aStore(anItem("a1", { ...ASKS, acknowledged_at: "2026-11-20T12:00:00Z" }));
  store.apply({ kind: "announcement.updated", data: anItem("a1", { ...ASKS, title: "New" }) });
  assert.deepEqual(store.pinned, []);
});
