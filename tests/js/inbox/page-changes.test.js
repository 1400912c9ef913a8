// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { PageChanges } from "../../../notifications_hub/static/notifications_hub/inbox/page-changes.js";
import { ApiError } from "../../../notifications_hub/static/notifications_hub/shared/api-error.js";

/** @typedef {{id: string, unread: boolean, getAttribute(): string, hasAttribute(): boolean}} Card */

/**
 * @param {string} id
 * @returns {Card}
 */
function aCard(id, unread = true) {
  return {
    id,
    unread,
    getAttribute: () => id,
    hasAttribute() {
      return this.unread;
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
   * @param {Card[]} some
   * @param {boolean} unread
   */
  mark(some, unread) {
    for (const card of some) card.unread = unread;
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
  const log = { unread: 0, done: [], failed: [], signedOut: 0 };
  /** @type {any} */
  const api = { mark: async () => ({ changed: 1, undo: "token" }), undo: async () => ({ changed: 1 }) };
  /** @type {any} */
  const notice = {
    doneText: (/** @type {string} */ change, /** @type {number} */ count) => `${change} ${count}`,
    failedText: (/** @type {string} */ change) => `not ${change}`,
    done: (/** @type {string} */ text, /** @type {unknown} */ undo) => log.done.push({ text, undo }),
    failed: (/** @type {string} */ text, /** @type {unknown} */ retry) => log.failed.push({ text, retry }),
  };
  const changed = (/** @type {number} */ more) => {
    log.unread += more;
  };
  const signedOut = () => {
    log.signedOut += 1;
  };
  return { changes: new PageChanges({ api, cards, notice, changed, signedOut }), cards, api, log };
}

const offline = () => Promise.reject(new ApiError(0, ""));

test("a change is shown before the server answers, and undone on the page before it is sent", async () => {
  const { changes, cards, api, log } = page(aCard("1"), aCard("2"));
  const made = changes.make({ mark: "archive", cards: [cards.all[0]] });
  assert.deepEqual([cards.ids, log.unread], [["2"], -1]);
  await made;
  assert.equal(log.done[0].text, "archived 1");

  let sent = "";
  api.undo = async (/** @type {string} */ token) => {
    sent = token;
    assert.deepEqual(cards.ids, ["1", "2"]);
  };
  await log.done[0].undo();
  assert.deepEqual([sent, log.unread], ["token", 0]);
});

test("a failed change is put back and can be tried again", async () => {
  const { changes, cards, api, log } = page(aCard("1"));
  const mark = api.mark;
  api.mark = offline;
  await changes.make({ mark: "archive", cards: [...cards.all] });
  assert.deepEqual([cards.all.length, log.unread, log.failed[0].text], [1, 0, "not archived"]);

  api.mark = mark;
  await log.failed[0].retry();
  assert.deepEqual([cards.all.length, log.unread, log.done.length], [0, -1, 1]);
});

test("what the hub reported as changed is not put back when the answer gets lost", async () => {
  const { changes, cards, api } = page(aCard("1"), aCard("2"));
  api.mark = async () => {
    changes.confirm("archive", ["1"]);
    throw new ApiError(0, "");
  };
  await changes.make({ mark: "archive", cards: [...cards.all] });
  assert.deepEqual(cards.ids, ["2"]);
});

test("reading all counts those beyond the page, and a failure restores the count", async () => {
  const { changes, cards, api, log } = page(aCard("1"), aCard("2", false));
  api.mark = offline;
  const made = changes.make({ mark: "read", cards: [...cards.all], all: true, beyond: 5 });
  assert.equal(log.unread, -6);
  await made;
  assert.deepEqual([log.unread, cards.all.map((/** @type {Card} */ card) => card.unread)], [0, [true, false]]);
});

test("a failed undo shows the change again", async () => {
  const { changes, cards, api, log } = page(aCard("1"));
  await changes.make({ mark: "archive", cards: [...cards.all] });
  api.undo = offline;
  await log.done[0].undo();
  assert.deepEqual([cards.all.length, log.unread, log.failed[0].text], [0, -1, "not undo"]);
});

test("a session that is over is reported once, and not as a failure", async () => {
  const { changes, cards, api, log } = page(aCard("1"));
  api.mark = () => Promise.reject(new ApiError(401, ""));
  await changes.make({ mark: "read", cards: [...cards.all] });
  assert.deepEqual([log.signedOut, log.failed.length], [1, 0]);
});
