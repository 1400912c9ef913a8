// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { NotificationsApi } from "../../../notifications_hub/static/notifications_hub/inbox/notifications-api.js";
import { ApiError } from "../../../notifications_hub/static/notifications_hub/shared/api-error.js";

/**
 * @param {() => Response | Promise<Response>} answer
 */
function anApi(answer) {
  /** @type {{url: string, init: any}[]} */
  const asked = [];
  const fetch = async (/** @type {any} */ url, /** @type {any} */ init) => {
    asked.push({ url: String(url), init });
    return answer();
  };
  const first = () => asked.at(0) ?? assert.fail("nothing was asked");
  return { asked, first, api: new NotificationsApi({ base: "https://host.example/x/api/", csrf: "token", fetch }) };
}

test("it reads under the prefix the host chose", async () => {
  const { api, first } = anApi(() => Response.json({ results: [], next: null, cursor: "c" }));
  assert.equal((await api.list()).cursor, "c");
  assert.equal(first().url, "https://host.example/x/api/notifications/");
  assert.equal(first().init.headers["X-CSRFToken"], undefined);
});

test("a change carries the token and outlives the page", async () => {
  const { api, first } = anApi(() => Response.json({ changed: 1 }));
  await api.markRead(["12", "a5"]);
  const { url, init } = first();
  assert.equal(url, "https://host.example/x/api/notifications/read/");
  assert.equal(init.headers["X-CSRFToken"], "token");
  assert.equal(init.keepalive, true);
  assert.deepEqual(JSON.parse(init.body), { ids: ["12", "a5"] });
});

test("every change has its own address", async () => {
  const { api, asked } = anApi(() => Response.json({ changed: 1 }));
  await Promise.all([api.markAllRead(), api.markAllSeen(), api.archive(["1"])]);
  const said = asked.map(({ url, init }) => [url.split("/").at(-2), JSON.parse(init.body)]);
  assert.deepEqual(said, [
    ["read", { all: true }],
    ["seen", { all: true }],
    ["archive", { ids: ["1"] }],
  ]);
});

test("a refusal is one error, in the server's words", async () => {
  const { api } = anApi(() => Response.json({ detail: "Sign in first." }, { status: 401 }));
  await assert.rejects(api.count(), { name: "ApiError", status: 401, message: "Sign in first.", signedOut: true });
});

test("so is an answer that is no JSON", async () => {
  const { api } = anApi(() => new Response("<h1>Bad Gateway</h1>", { status: 502 }));
  await assert.rejects(api.count(), { status: 502, message: "HTTP 502", signedOut: false });
});

test("so is no answer", async () => {
  const { api } = anApi(() => Promise.reject(new TypeError("offline")));
  await assert.rejects(api.count(), (error) => error instanceof ApiError && error.status === 0);
});
