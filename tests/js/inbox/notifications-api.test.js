// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { NotificationsApi } from "../../../notifications_hub/static/notifications_hub/inbox/notifications-api.js";

/**
 * @param {() => Response | Promise<Response>} answer
 */
function anApi(answer) {
  /** @type {{url: string, init: any}[]} */
  const requests = [];
  const fetch = async (/** @type {any} */ url, /** @type {any} */ init) => {
    requests.push({ url: String(url), init });
    return answer();
  };
  const first = () => requests.at(0) ?? assert.fail("no request was sent");
  return { requests, first, api: new NotificationsApi({ base: "https://host.example/x/api/", csrf: "token", fetch }) };
}

test("reads use the prefix that the host chose", async () => {
  const { api, first } = anApi(() => Response.json({ results: [], next: null, cursor: "c" }));
  assert.equal((await api.list()).cursor, "c");
  assert.equal(first().url, "https://host.example/x/api/notifications/");
  assert.equal(first().init.headers["X-CSRFToken"], undefined);
});

test("a change carries the token and outlives the page", async () => {
  const { api, first } = anApi(() => Response.json({ changed: 1 }));
  await api.mark("read", { ids: ["12", "a5"] });
  const { url, init } = first();
  assert.equal(url, "https://host.example/x/api/notifications/read/");
  assert.equal(init.headers["X-CSRFToken"], "token");
  assert.equal(init.keepalive, true);
  assert.deepEqual(JSON.parse(init.body), { ids: ["12", "a5"], undo: true });
});

test("every change has its own URL", async () => {
  const { api, requests } = anApi(() => Response.json({ changed: 1 }));
  await api.mark("read", { all: true });
  await api.markAllSeen();
  await api.shown(["1"]);
  await api.mark("archive", { ids: ["1"] });
  await api.undo("token");
  const changes = requests.map(({ url, init }) => [url.split("/").at(-2), JSON.parse(init.body)]);
  assert.deepEqual(changes, [
    ["read", { all: true, undo: true }],
    ["seen", { all: true }],
    ["shown", { ids: ["1"] }],
    ["archive", { ids: ["1"], undo: true }],
    ["undo", { undo: "token" }],
  ]);
});

test("a further page starts after the one before", async () => {
  const { api, first } = anApi(() => Response.json({ results: [], next: null, cursor: "c" }));
  await api.list({ before: "17.3&x" });
  assert.equal(first().url, "https://host.example/x/api/notifications/?before=17.3%26x");
});

test("a change without an answer fails in time", async (t) => {
  const timeout = AbortSignal.abort(new Error("late"));
  t.mock.method(AbortSignal, "timeout", () => timeout);
  const { api, first } = anApi(() => Promise.reject(timeout.reason));
  await assert.rejects(api.mark("archive", { ids: ["1"] }), { status: 0 });
  assert.equal(first().init.signal, timeout);
});
