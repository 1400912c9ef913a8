// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { CardChange } from "../../../notifications_hub/static/notifications_hub/inbox/card-change.js";
import { InboxChanges } from "../../../notifications_hub/static/notifications_hub/inbox/inbox-changes.js";
import { ApiError } from "../../../notifications_hub/static/notifications_hub/shared/api-error.js";

/**
 * @typedef {import("../../../notifications_hub/static/notifications_hub/inbox/card-state.js").CardState} CardState
 * @typedef {CardState & {id: string, asks: boolean, getAttribute(name: string): string, hasAttribute(name: string): boolean}} Card
 */

/**
 * @param {string} id
 * @returns {Card}
 */
function aCard(id, unread = true, asks = false) {
  return {
    id,
    unread,
    asks,
    saved: false,
    archived: false,
    until: "",
    getAttribute(name) {
      return name === "data-id" ? this.id : this.until;
    },
    hasAttribute(name) {
      const { unread, saved, archived, asks: unconfirmed } = this;
      return Object.entries({ unread, saved, archived, unconfirmed }).some(([one, on]) => on && name === `data-${one}`);
    },
  };
}

class Cards {
  /** @param {Card[]} all */
  constructor(all) {
    this.all = all;
  }

  /** @param {Card[]} some */
  insert(some) {
    this.all.push(...some);
  }

  /** @param {Card[]} some */
  remove(some) {
    this.all = this.all.filter((card) => !some.includes(card));
  }

  /**
   * @param {Card} card
   * @param {CardState} state
   */
  show(card, state) {
    Object.assign(card, state);
  }

  /**
   * @param {Card[]} some
   * @param {boolean} confirmed
   */
  confirm(some, confirmed) {
    for (const card of some) card.asks = !confirmed;
  }

  /** @param {string} id */
  has(id) {
    return this.all.some((card) => card.id === id);
  }

  get ids() {
    return this.all.map((card) => card.id).sort();
  }
}

/** @param {Card[]} all */
function page(...all) {
  /** @type {any} */
  const cards = new Cards(all);
  /** @type {any} */
  const log = { unread: 0, done: [], failed: [], signedOut: 0, reloaded: 0 };
  /** @type {any} */
  const api = { mark: async () => ({ changed: 1, undo: "token" }), undo: async () => ({ changed: 1 }) };
  const report = {
    done: (/** @type {any} */ one) => log.done.push(one),
    failed: (/** @type {any} */ one) => log.failed.push(one),
  };
  const signedOut = () => {
    log.signedOut += 1;
    changes.end();
  };
  const reload = () => {
    log.reloaded += 1;
  };
  const changes = new InboxChanges({ api, report, page: { recount: () => undefined, reload, signedOut } });
  const counted = (/** @type {number} */ more) => {
    log.unread += more;
  };

  /**
   * @param {any} mark
   * @param {Card[]} wanted
   * @param {number} [beyond]
   * @param {{list?: string, until?: string}} [where]
   */
  function make(mark, wanted, beyond, where = {}) {
    const show = () => new CardChange({ cards, counted, mark, wanted: /** @type {any} */ (wanted), beyond, ...where });
    return changes.make({ mark, ids: wanted.map(({ id }) => id), all: beyond !== undefined, ...where, show });
  }

  return { make, changes, cards, api, log };
}

const offline = () => Promise.reject(new ApiError(0, ""));

test("a change is shown before the server answers, and undone on the page before it is sent", async () => {
  const { make, cards, api, log } = page(aCard("1"), aCard("2"));
  const made = make("archive", [cards.all[0]]);
  assert.deepEqual([cards.ids, log.unread], [["2"], -1]);
  await made;
  assert.deepEqual([log.done[0].change, log.done[0].count], ["archived", 1]);

  let sent = "";
  api.undo = async (/** @type {string} */ token) => {
    sent = token;
    assert.deepEqual(cards.ids, ["1", "2"]);
    return { changed: 1 };
  };
  await log.done[0].undo();
  assert.deepEqual([sent, log.unread, log.reloaded], ["token", 0, 0]);
});

test("a failed change is put back and can be tried again", async () => {
  const { make, cards, api, log } = page(aCard("1"));
  const mark = api.mark;
  api.mark = offline;
  await make("archive", [...cards.all]);
  assert.deepEqual([cards.all.length, log.unread, log.failed[0].change], [1, 0, "archived"]);

  api.mark = mark;
  await log.failed[0].retry();
  assert.deepEqual([cards.all.length, log.unread, log.done.length], [0, -1, 1]);
});

test("a change tried again leaves out cards that have left the page meanwhile", async () => {
  const { make, cards, api, log } = page(aCard("1"), aCard("2"));
  const mark = api.mark;
  api.mark = offline;
  await make("archive", [...cards.all]);
  cards.remove([cards.all[0]]);
  api.mark = mark;
  await log.failed[0].retry();
  assert.deepEqual([cards.ids, log.unread], [[], -1]);
});

test("two failed changes of one card count it once", async () => {
  const { make, cards, api, log } = page(aCard("1"));
  const [card] = cards.all;
  api.mark = offline;
  await Promise.all([make("read", [card]), make("archive", [card])]);
  assert.deepEqual([cards.ids, card.unread, log.unread, log.failed.length], [["1"], true, 0, 2]);
});

for (const kind of ["notification.archived", "notification.deleted", "announcement.withdrawn"]) {
  test(`what the hub reported as ${kind} is not put back when the answer gets lost`, async () => {
    const { make, changes, cards, api, log } = page(aCard("1"), aCard("2"));
    api.mark = async () => {
      changes.confirm({ kind, data: { ids: ["1"] } });
      throw new ApiError(0, "");
    };
    await make("archive", [...cards.all]);
    assert.deepEqual([cards.ids, log.failed.length], [["2"], 1]);
  });
}

test("reading all counts those beyond the page, and a failure restores the count", async () => {
  const { make, cards, api, log } = page(aCard("1"), aCard("2", false));
  api.mark = offline;
  const made = make("read", [...cards.all], 5);
  assert.equal(log.unread, -6);
  await made;
  assert.deepEqual([log.unread, cards.all.map((/** @type {Card} */ card) => card.unread)], [0, [true, false]]);
});

test("a failed undo shows the change again", async () => {
  const { make, cards, api, log } = page(aCard("1"));
  await make("archive", [...cards.all]);
  api.undo = offline;
  await log.done[0].undo();
  assert.deepEqual([cards.all.length, log.unread, log.failed[0].change], [0, -1, "undo"]);
});

test("an undo of other rows than the change is followed by a look at the server", async () => {
  const { make, cards, api, log } = page(aCard("1"), aCard("2"));
  api.mark = async () => ({ changed: 2, undo: "token" });
  await make("archive", [...cards.all]);
  await log.done[0].undo();
  assert.deepEqual([log.reloaded, log.done.length], [1, 1]);
});

test("a mark without a token is undone by its opposite", async () => {
  const { make, cards, api, log } = page(aCard("1", false));
  /** @type {any[]} */
  const sent = [];
  api.mark = async (/** @type {any[]} */ ...asked) => {
    sent.push(asked);
    return { changed: 1, undo: null };
  };
  await make("unread", [...cards.all]);
  await log.done[0].undo();
  assert.deepEqual([sent[1], log.unread], [["read", { ids: ["1"] }], 0]);
});

test("a session that is over is reported once, and nothing is put back", async () => {
  const { make, cards, api, log } = page(aCard("1"), aCard("2"));
  api.mark = () => Promise.reject(new ApiError(401, ""));
  await Promise.all(cards.all.map((/** @type {Card} */ card) => make("archive", [card])));
  assert.deepEqual([cards.ids, log.signedOut, log.failed.length], [[], 1, 0]);
});

test("confirming reads the card too, and archiving leaves out what must be confirmed", async () => {
  const { make, cards, api, log } = page(aCard("1", true, true), aCard("2"));
  await make("archive", [...cards.all]);
  assert.deepEqual([cards.ids, log.unread], [["1"], -1]);
  api.mark = offline;
  await make("acknowledge", [cards.all[0]]);
  assert.deepEqual([cards.all[0].asks, cards.all[0].unread, log.unread], [true, true, -1], "taken back");
  api.mark = async () => ({ changed: 1 });
  await make("acknowledge", [cards.all[0]]);
  assert.deepEqual([cards.all[0].asks, cards.all[0].unread, log.unread], [false, false, -2]);
  const done = log.done.at(-1);
  assert.deepEqual([done.change, done.undo], ["acknowledged", null], "nothing undoes it");
});

test("a card leaves the lists that it belongs to no more, and shows its state in the others", async () => {
  const { make, cards, log } = page(aCard("1"));
  const [card] = cards.all;
  await make("save", [card]);
  assert.deepEqual([cards.ids, card.saved, log.unread], [["1"], true, 0]);
  const until = "2026-12-01T08:00:00Z";
  await make("snooze", [card], undefined, { list: "saved", until });
  assert.deepEqual([cards.ids, card.archived, card.until, log.unread], [["1"], true, until, -1]);
  log.done.at(-1).undo();
  assert.deepEqual([card.archived, card.until, log.unread], [false, "", 0]);
  await make("snooze", [card], undefined, { list: "all", until });
  assert.deepEqual([cards.ids, log.unread], [[], -1]);
  log.done.at(-1).undo();
  await make("unsave", [card], undefined, { list: "saved" });
  assert.deepEqual([cards.ids, log.unread], [[], 0]);
});

test("a snooze leaves out what must be confirmed, and what is archived", async () => {
  const archived = { ...aCard("2"), archived: true };
  const { make, cards, log } = page(aCard("1", true, true), archived);
  await make("snooze", [...cards.all], undefined, { list: "saved", until: "2026-12-01T08:00:00Z" });
  assert.deepEqual([cards.all.map((/** @type {Card} */ card) => card.until), log.unread], [["", ""], 0]);
});
