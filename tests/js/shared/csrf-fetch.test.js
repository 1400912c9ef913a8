// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../notifications_hub/static/notifications_hub/shared/api-error.js";
import { CsrfFetch } from "../../../notifications_hub/static/notifications_hub/shared/csrf-fetch.js";

const ADDRESS = "https://host.example/api/jobs/1/";

/**
 * @param {() => Response | Promise<Response>} answer
 * @param {{token?: string}} [options]
 */
function build(answer, { token = "token" } = {}) {
  /** @type {any[]} */
  const requests = [];
  const fetch = async (/** @type {any} */ url, /** @type {any} */ init) => {
    requests.push({ url: String(url), ...init });
    return answer();
  };
  return { requests, http: new CsrfFetch({ token, fetch }) };
}

test("a read is sent without the token", async () => {
  const { http, requests } = build(() => Response.json({ job: 1 }));
  assert.deepEqual(await http.get(ADDRESS), { job: 1 });
  assert.equal(requests[0].credentials, "include");
  assert.deepEqual(requests[0].headers, { Accept: "application/json" });
});

test("a change carries the token and its body as JSON", async () => {
  const { http, requests } = build(() => Response.json({ changed: 1 }));
  await http.send("POST", ADDRESS, { ids: ["1"] }, { keepalive: true });
  const [{ method, headers, body, keepalive }] = requests;
  assert.deepEqual([method, keepalive, JSON.parse(body)], ["POST", true, { ids: ["1"] }]);
  assert.equal(headers["X-CSRFToken"], "token");
  assert.equal(headers["Content-Type"], "application/json");
});

test("a change without a body has no content type", async () => {
  const { http, requests } = build(() => Response.json({}));
  await http.send("POST", ADDRESS);
  assert.deepEqual(requests[0].headers, { Accept: "application/json", "X-CSRFToken": "token" });
  assert.equal(requests[0].body, undefined);
});

test("without a token Django's cookie is used", async (t) => {
  Object.assign(globalThis, { document: { cookie: "a=1; csrftoken=fromcookie; b=2" } });
  t.after(() => Reflect.deleteProperty(globalThis, "document"));
  const { http, requests } = build(() => Response.json({}), { token: "" });
  await http.send("DELETE", ADDRESS);
  assert.equal(requests[0].headers["X-CSRFToken"], "fromcookie");
});

test("an empty answer with status 204 is null", async () => {
  const { http } = build(() => new Response(null, { status: 204 }));
  assert.equal(await http.send("DELETE", ADDRESS), null);
});

test("a refusal raises an ApiError with the server's detail", async () => {
  const { http } = build(() => Response.json({ detail: "Sign in first." }, { status: 401 }));
  await assert.rejects(http.get(ADDRESS), {
    name: "ApiError",
    status: 401,
    message: "Sign in first.",
    signedOut: true,
  });
});

for (const status of [200, 502]) {
  test(`an answer that is not JSON raises an ApiError with status ${status}`, async () => {
    const { http } = build(() => new Response("<h1>Not JSON</h1>", { status }));
    await assert.rejects(http.get(ADDRESS), { status, message: `HTTP ${status}`, signedOut: false });
  });
}

test("an unreachable server raises an ApiError with status 0", async () => {
  const { http } = build(() => Promise.reject(new TypeError("offline")));
  await assert.rejects(http.get(ADDRESS), (error) => error instanceof ApiError && error.status === 0);
});
