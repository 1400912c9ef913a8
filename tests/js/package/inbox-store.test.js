// @ts-check
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { HubClient as LineClient } from "../../../notifications_hub/static/notifications_hub/client/hub-client.js";
import { HubLine } from "../../../notifications_hub/static/notifications_hub/client/hub-line.js";
import {
  InboxStore,
  InvalidRequestError,
  OfflineError,
  TooManyRequestsError,
} from "../../../notifications_hub/static/notifications_hub/package/index.js";
import { LateLine } from "../../../notifications_hub/static/notifications_hub/package/late-line.js";
import { ApiError } from "../../../notifications_hub/static/notifications_hub/shared/api-error.js";
import { FakeConnection } from "../support/fake-connection.js";
import { FakePage } from "../support/fake-page.js";
import { anItem } from "../support/items.js";

const BELL = { live: "/live/", person: "p", csrf: "t", scope: null, quiet: null, unread: 2, unseen: 2 };

/** A client with a fake API and a fake connection. */
class FakeClient extends LineClient {
  page = new FakePage();
  /** @type {string[]} */
  others = [];
  /** @type {string[]} */
  asked = [];
  /** @type {Error | null} */
  fails = null;
  /** @type {FakeConnection[]} */
  connections = [];
  api = {
    list: () => this.#answer("list", { results: [anItem("2"), anItem("1")], next: null, cursor: "c0" }),
    count: () => this.#answer("count", { unread: 2, unseen: 2 }),
    mark: (/** @type {string} */ mark, /** @type {{ids?: string[]}} */ { ids }) =>
      this.#answer(`${mark} ${ids ?? "all"}`, { changed: ids?.length ?? 2, undo: "token" }),
    undo: (/** @type {string} */ token) => this.#answer(`undo ${token}`, { changed: 1 }),
    shown: (/** @type {string[]} */ ids) => this.#answer(`shown ${ids}`, { changed: ids.length }),
  };

  constructor() {
    const late = (/** @type {any} */ query) => new LateLine(async () => this.#line(query));
    super({ line: late });
  }

  bell = () => this.#answer("bell", BELL);
  showToasts = () => undefined;

  /** @param {any} query */
  #line(query) {
    const connect = (/** @type {any} */ now) => {
      this.connections.push(new FakeConnection(now()));
      return /** @type {FakeConnection} */ (this.connections.at(-1));
    };
    return new HubLine({ connect, watch: this.page, query, random: () => 1 });
  }

  /**
   * @param {string} what
   * @param {any} answer
   */
  async #answer(what, answer) {
    this.asked.push(what);
    if (this.fails) throw this.fails;
    return structuredClone(answer);
  }
}

/** @type {FakeClient} */
let client;
/** @type {InboxStore} */
let inbox;
let changes = 0;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.requestAnimationFrame = (callback) => {
    queueMicrotask(() => callback(0));
    return 0;
  };
  client = new FakeClient();
  inbox = new InboxStore(/** @type {any} */ (client));
  changes = 0;
});

afterEach(() => {
  inbox.stop();
  mock.timers.reset();
});

async function settled() {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

async function subscribe() {
  inbox.subscribe(() => {
    changes += 1;
  });
  await settled();
}

/** @param {any[]} events */
async function receive(...events) {
  const entries = events.map(([seq, kind, data]) => ({ seq, kind, data }));
  client.connections.at(-1)?.sends(entries, `c${entries.at(-1)?.seq}`);
  await settled();
}

test("nothing is asked before the first subscriber, and a server gets an empty inbox", async () => {
  await settled();
  assert.deepEqual(client.asked, []);
  assert.equal(inbox.getSnapshot(), inbox.getServerSnapshot());
  assert.throws(() => {
    /** @type {any} */ (inbox.getSnapshot()).unread = 1;
  });
});

test("a snapshot is the same object until something changes", async () => {
  await subscribe();
  const before = inbox.getSnapshot();
  assert.deepEqual(
    before.items.map(({ id }) => id),
    ["2", "1"],
  );
  assert.equal(inbox.getSnapshot(), before);
  await receive([1, "notification.read", { ids: ["1"] }]);
  assert.notEqual(inbox.getSnapshot(), before);
  assert.equal(inbox.unread, 1);
  assert.equal(before.unread, 2);
  assert.ok(changes > 0);
});

test("a mark is shown before the answer, and its undo takes it back", async () => {
  await subscribe();
  const marked = inbox.mark(["1"], "read");
  assert.equal(inbox.unread, 1);
  const { changed, undo } = await marked;
  assert.equal(changed, 1);
  await undo?.();
  assert.equal(inbox.unread, 2);
  assert.ok(client.asked.includes("undo token"));
});

test("a refused mark is taken back and rejects with an error of its class", async () => {
  await subscribe();
  for (const [error, Class] of /** @type {const} */ ([
    [new ApiError(0, "gone"), OfflineError],
    [new ApiError(400, "unknown"), InvalidRequestError],
    [new ApiError(429, "later", null, 30), TooManyRequestsError],
  ])) {
    client.fails = error;
    const marked = inbox.mark(["1"], "archive");
    assert.equal(inbox.items.length, 1);
    await assert.rejects(marked, (caught) => caught instanceof Class && caught.retryAfter === error.retryAfter);
    assert.equal(inbox.items.length, 2);
  }
});

test("without a network it fails, and begins when the network is back", async () => {
  client.fails = new ApiError(0, "gone");
  await subscribe();
  assert.equal(inbox.getSnapshot().status, "failed");
  client.fails = null;
  client.page.dispatchEvent(new Event("page-online"));
  await settled();
  assert.equal(inbox.getSnapshot().status, "ready");
});

test("nothing is kept of a session that is over", async () => {
  await subscribe();
  client.fails = new ApiError(401, "Sign in first.");
  await assert.rejects(inbox.mark(["1"], "read"));
  assert.equal(inbox.getSnapshot().status, "ended");
  assert.deepEqual(inbox.items, []);
});

test("news is given once and acknowledged; without a listener nothing is", async () => {
  /** @type {any[]} */
  const acknowledged = [];
  client.displayed = (cursor, ids) => acknowledged.push([cursor, ids]);
  await subscribe();
  await receive([1, "notification.created", anItem("3")]);
  assert.deepEqual(acknowledged, []);
  /** @type {string[]} */
  const given = [];
  /** @type {string[]} */
  const withdrawn = [];
  inbox.onNews(
    (items) => given.push(...items.map(({ id }) => id)),
    (ids) => withdrawn.push(...ids),
  );
  await receive([2, "notification.created", anItem("4")]);
  assert.deepEqual(given, ["3", "4"]);
  assert.deepEqual(acknowledged.at(-1), ["c2", ["4"]]);
  await receive([3, "notification.read", { ids: ["4"] }]);
  assert.deepEqual(withdrawn, ["4"]);
});
