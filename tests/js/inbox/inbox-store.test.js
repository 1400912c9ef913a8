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

test("until it is loaded it has the counts that the page came with", () => {
  assert.deepEqual(counts(new InboxStore({ unread: 3, unseen: 1 })), { unread: 3, unseen: 1 });
});

test("a first page that is the only one says how many are unread and unseen", () => {
  const store = aStore(anItem("1"), anItem("2", { seen: true }), anItem("3", { unread: false, seen: true }));
  assert.deepEqual(counts(store), { unread: 2, unseen: 1 });
});

test("a first page of several leaves the counts alone", () => {
  const store = new InboxStore({ unread: 90, unseen: 0 });
  store.reset([anItem("1")], { whole: false });
  assert.equal(store.unread, 90);
});

test("the newest comes first, whatever the order of arrival", () => {
  const store = aStore(anItem("5"), anItem("9"));
  store.apply(created(anItem("7")));
  assert.deepEqual(idsOf(store.items), ["9", "7", "5"]);
});

test("of one moment the higher id comes first", () => {
  const at = "2026-11-20T12:00:00Z";
  assert.deepEqual(idsOf(aStore(anItem("9", { at }), anItem("10", { at })).items), ["10", "9"]);
});

test("a new one counts, and is to be shown", () => {
  const store = aStore();
  const change = store.apply(created(anItem("1")));
  assert.deepEqual(counts(store), { unread: 1, unseen: 1 });
  assert.deepEqual(idsOf(change.fresh), ["1"]);
});

test("one that the first page had already is not counted twice, but is still news", () => {
  const store = aStore(anItem("1"));
  assert.deepEqual(idsOf(store.apply(created(anItem("1"))).fresh), ["1"]);
  assert.deepEqual(counts(store), { unread: 1, unseen: 1 });
});

test("one that was read or told before we loaded is no news", () => {
  const store = aStore(anItem("1", { unread: false }), anItem("2", { delivered: true }), anItem("3", { seen: true }));
  const change = store.applyAll([created(anItem("1")), created(anItem("2")), created(anItem("3"))]);
  assert.deepEqual(change.fresh, []);
  assert.equal(store.get("1")?.unread, false);
});

test("one without a toast is counted and listed only", () => {
  const store = aStore();
  assert.deepEqual(store.apply(created(anItem("1", { toast: false }))).fresh, []);
  assert.equal(store.unread, 1);
});

for (const what of ["delivered", "read", "seen", "archived", "deleted"]) {
  test(`one that was ${what} in the same catch-up is not shown`, () => {
    assert.deepEqual(aStore().applyAll([created(anItem("1")), changed(what, "1")]).fresh, []);
  });
}

test("what was read, archived or deleted elsewhere leaves the screen; what was told or seen may stay", () => {
  const store = aStore(...["1", "2", "3", "4", "5"].map((id) => anItem(id)));
  const change = store.applyAll(
    ["read", "archived", "deleted", "delivered", "seen"].map((what, index) => changed(what, String(index + 1))),
  );
  assert.deepEqual(change.gone, ["1", "2", "3"]);
  assert.deepEqual(change.delivered, ["4", "5"]);
});

test("reading counts once, however often it is said", () => {
  const store = aStore(anItem("1"), anItem("2"));
  store.applyAll([changed("read", "1"), changed("read", "1")]);
  assert.deepEqual(counts(store), { unread: 1, unseen: 1 });
});

test("unread counts again", () => {
  const store = aStore(anItem("1", { unread: false, seen: true }));
  store.apply(changed("unread", "1"));
  assert.deepEqual(counts(store), { unread: 1, unseen: 0 });
});

test("seen is not read", () => {
  const store = aStore(anItem("1"));
  store.apply(changed("seen", "1"));
  assert.deepEqual(counts(store), { unread: 1, unseen: 0 });
});

for (const what of ["archived", "deleted"]) {
  test(`what is ${what} leaves the list and the counts`, () => {
    const store = aStore(anItem("1"), anItem("2"));
    store.apply(changed(what, "1"));
    assert.deepEqual(idsOf(store.items), ["2"]);
    assert.deepEqual(counts(store), { unread: 1, unseen: 1 });
  });
}

test("what comes back from the archive is listed again", () => {
  const store = aStore();
  const change = store.apply({ kind: "notification.updated", data: anItem("1") });
  assert.deepEqual(idsOf(store.items), ["1"]);
  assert.equal(change.recount, true);
  assert.deepEqual(change.fresh, []);
});

test("a change to one we do not have asks for the counts", () => {
  for (const what of ["read", "unread", "seen", "archived", "deleted"]) {
    const change = aStore().apply(changed(what, "77"));
    assert.equal(change.recount, true, what);
  }
  assert.equal(aStore().apply(changed("delivered", "77")).recount, false);
});

test("a change that names no ids asks for the list", () => {
  assert.equal(aStore().apply({ kind: "notification.read", data: { through: "x" } }).reload, true);
});

test("an announcement is edited in its words only", () => {
  const store = aStore(anItem("a5", { unread: false, seen: true, delivered: true }));
  store.apply({ kind: "announcement.updated", data: anItem("a5", { title: "New words" }) });
  assert.deepEqual(store.get("a5"), anItem("a5", { title: "New words", unread: false, seen: true, delivered: true }));
  assert.equal(store.unread, 0);
});

test("an edit of an announcement older than our page does not bring it back", () => {
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

test("kinds of a later version are passed over", () => {
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

/** Numbers that look random and are the same each time. @param {number} seed */
function diceOf(seed) {
  let state = seed;
  return (/** @type {number} */ sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const KINDS = ["created", "read", "unread", "seen", "delivered", "archived", "deleted"];

/** A server's inbox: what really is, and the log of how it came to be. */
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

test("loaded anywhere and resumed from anywhere before, it ends up as the server is", () => {
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

test("of a catch-up, exactly what is still news is shown", () => {
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

test("what was erased while this page was away ends without an item and without a toast", () => {
  const store = aStore(anItem("1"));
  const change = store.applyAll([
    { kind: "tombstone", data: {} },
    changed("seen", "2"),
    { kind: "tombstone", data: {} },
    changed("deleted", "2"),
  ]);
  assert.deepEqual([idsOf(store.items), idsOf(change.fresh)], [["1"], []]);
});
