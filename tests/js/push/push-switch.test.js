// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { PushApi } from "../../../notifications_hub/static/notifications_hub/push/push-api.js";
import { PushMemory } from "../../../notifications_hub/static/notifications_hub/push/push-memory.js";
import { PushState } from "../../../notifications_hub/static/notifications_hub/push/push-state.js";
import { PushSwitch } from "../../../notifications_hub/static/notifications_hub/push/push-switch.js";
import { fakeCaches } from "../support/fake-caches.js";

const KEY = "BAEC_-8";
const OTHER_KEY = "BAEC_-A";

/**
 * A browser and a server, both made up.
 *
 * @param {{permission?: string, answer?: string, key?: string | null}} [options]
 */
function aBrowser({ permission = "default", answer = "granted", key = KEY } = {}) {
  const server = { key, registered: /** @type {any[]} */ ([]), removed: /** @type {string[]} */ ([]) };
  const listed = new Set();
  const { kept, caches } = fakeCaches();
  const asked = { permission: 0 };
  /** @type {any} */
  let subscription = null;
  const pushManager = {
    getSubscription: async () => subscription,
    subscribe: async (/** @type {any} */ { applicationServerKey }) => {
      const options = { applicationServerKey: applicationServerKey.buffer };
      const unsubscribe = async () => {
        subscription = null;
      };
      const endpoint = `e${server.registered.length}`;
      subscription = { options, endpoint, unsubscribe, toJSON: () => ({ endpoint }) };
      return subscription;
    },
  };
  const memory = new Map();
  const registration = { pushManager };
  const Notification = {
    permission,
    requestPermission: async () => {
      asked.permission++;
      Notification.permission = answer;
      return answer;
    },
  };
  const view = /** @type {any} */ ({
    caches,
    Notification,
    PushManager: class {},
    navigator: {
      serviceWorker: {
        register: async () => registration,
        getRegistration: async () => registration,
        ready: Promise.resolve(registration),
      },
    },
    localStorage: {
      getItem: (/** @type {string} */ name) => memory.get(name) ?? null,
      setItem: (/** @type {string} */ name, /** @type {string} */ value) => memory.set(name, value),
      removeItem: (/** @type {string} */ name) => memory.delete(name),
    },
  });
  const api = /** @type {any} */ ({
    key: async () => server.key,
    register: async (/** @type {any} */ json) => {
      const id = `${server.registered.push(json)}`;
      listed.add(id);
      return { id, token: `token ${id}` };
    },
    ids: async () => [...listed],
    remove: async (/** @type {string} */ id) => {
      listed.delete(id);
      server.removed.push(id);
    },
  });
  const switchOf = (/** @type {string} */ person, binding = "b1") =>
    new PushSwitch({ api, workerUrl: "/sw.js", renewUrl: "/renew/", person, binding, view });
  return { view, server, asked, listed, kept, switchOf, subscription: () => subscription };
}

test("looking asks nobody for anything", async () => {
  const browser = aBrowser();
  assert.equal(await browser.switchOf("1").check(), PushState.DEFAULT);
  assert.equal(browser.asked.permission, 0);
  assert.equal(browser.server.registered.length, 0);
});

test("on and off", async () => {
  const browser = aBrowser();
  const pushes = browser.switchOf("1");
  assert.equal(await pushes.turnOn(), PushState.ON);
  assert.deepEqual(browser.server.registered, [{ endpoint: "e0", key: KEY }]);
  assert.deepEqual(browser.kept.note, { token: "token 1", key: KEY, renew: "/renew/" });
  assert.equal(await pushes.turnOff(), PushState.OFF);
  assert.deepEqual(browser.server.removed, ["1"]);
  assert.equal(browser.subscription(), null);
  assert.equal(await pushes.check(), PushState.OFF);
});

test("on is still on at the next visit, and registered again", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  assert.equal(await browser.switchOf("1").check(), PushState.ON);
  assert.equal(browser.server.registered.length, 2);
});

test("a subscription that the browser lost is made again at the next visit", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  await browser.subscription().unsubscribe();
  assert.equal(await browser.switchOf("1").check(), PushState.ON);
  assert.notEqual(browser.subscription(), null);
});

test("a new key of the site is taken over at the next visit", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  browser.server.key = OTHER_KEY;
  assert.equal(await browser.switchOf("1").check(), PushState.ON);
  assert.equal(new Uint8Array(browser.subscription().options.applicationServerKey).at(-1), 0xe0);
});

test("what Alice switched on is off for Bob, until he switches it on", async () => {
  const browser = aBrowser();
  await browser.switchOf("alice").turnOn();
  assert.equal(await browser.switchOf("bob").check(), PushState.OFF);
  assert.equal(browser.server.registered.length, 1);
  assert.equal(await browser.switchOf("bob").turnOn(), PushState.ON);
  assert.equal(browser.server.registered.length, 2);
});

test("every page looks, and asks the server nothing while all is as it was", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").keep();
  await browser.switchOf("1").turnOn();
  await browser.switchOf("1").keep();
  assert.equal(browser.server.registered.length, 1);
});

test("a page of another session, password or key registers again", async () => {
  const browser = aBrowser();
  await browser.switchOf("1", "b1").turnOn();
  await browser.switchOf("1", "b2").keep();
  await browser.switchOf("1", "b2").keep();
  assert.equal(browser.server.registered.length, 2);
});

test("a page finds a subscription that the browser has dropped", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  await browser.subscription().unsubscribe();
  await browser.switchOf("1").keep();
  assert.deepEqual(browser.server.registered.at(-1), { endpoint: "e1", key: KEY });
});

test("a site that sends none any more is left alone by every page", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  await browser.switchOf("1", "").keep();
  assert.equal(browser.server.registered.length, 1);
});

test("a browser that was removed from another one stays off", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  browser.listed.clear();
  assert.equal(await browser.switchOf("1", "b2").check(), PushState.OFF);
  assert.equal(browser.server.registered.length, 1);
  assert.equal(browser.subscription(), null);
});

test("who signs out and in again is on again", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  browser.listed.clear();
  new PushMemory(browser.view.localStorage).leave("1");
  await browser.switchOf("1", "b2").keep();
  assert.deepEqual([...browser.listed], ["2"]);
});

test("of two people each keeps their own wish", async () => {
  const browser = aBrowser();
  await browser.switchOf("alice").turnOn();
  await browser.switchOf("bob").turnOn();
  await browser.switchOf("bob").turnOff();
  assert.equal(await browser.switchOf("bob").check(), PushState.OFF);
  assert.equal(await browser.switchOf("alice").check(), PushState.ON);
});

test("a site with a worker of its own subscribes with that", async () => {
  const browser = aBrowser();
  browser.view.navigator.serviceWorker.register = () => assert.fail("registered");
  const options = { api: /** @type {any} */ ({ key: async () => null }), workerUrl: "", renewUrl: "", binding: "b" };
  const pushes = new PushSwitch({ ...options, person: "1", view: browser.view });
  assert.equal(await pushes.turnOn(), PushState.UNAVAILABLE);
});

test("a person who says no is not asked again by looking", async () => {
  const browser = aBrowser({ answer: "denied" });
  const pushes = browser.switchOf("1");
  assert.equal(await pushes.turnOn(), PushState.DENIED);
  assert.equal(await pushes.check(), PushState.DENIED);
  assert.equal(browser.asked.permission, 1);
});

test("a person who closes the question may be asked again", async () => {
  assert.equal(await aBrowser({ answer: "default" }).switchOf("1").turnOn(), PushState.DEFAULT);
});

test("a site without a key says so", async () => {
  assert.equal(await aBrowser({ key: null }).switchOf("1").check(), PushState.UNAVAILABLE);
});

test("a browser without Web Push says so", async () => {
  const browser = aBrowser();
  delete browser.view.PushManager;
  assert.equal(await browser.switchOf("1").check(), PushState.UNSUPPORTED);
});

test("an iPhone is told of its Home Screen", async () => {
  const browser = aBrowser();
  delete browser.view.PushManager;
  browser.view.navigator.standalone = false;
  assert.equal(await browser.switchOf("1").check(), PushState.INSTALL);
});

/** @param {Response} response */
function anApi(response) {
  /** @type {{url: string, init: any}[]} */
  const asked = [];
  const fetch = async (/** @type {any} */ url, /** @type {any} */ init) => {
    asked.push({ url: String(url), init });
    return response;
  };
  const base = "https://host.example/x/api/";
  return { asked, api: new PushApi({ base, keyUrl: `${base}push/key/`, csrf: "token", fetch }) };
}

test("registering carries the token, under the prefix the host chose", async () => {
  const { api, asked } = anApi(Response.json({ id: "7" }, { status: 201 }));
  assert.deepEqual(await api.register({ endpoint: "e" }), { id: "7" });
  assert.equal(asked[0]?.url, "https://host.example/x/api/push/subscriptions/");
  assert.equal(asked[0]?.init.headers["X-CSRFToken"], "token");
  assert.deepEqual(JSON.parse(asked[0]?.init.body), { endpoint: "e" });
});

test("a refusal says why", async () => {
  const { api } = anApi(Response.json({ detail: "The subscription has no keys." }, { status: 400 }));
  await assert.rejects(api.register({}), /no keys/);
});

test("what is removed already is removed", async () => {
  const { api, asked } = anApi(Response.json({ detail: "" }, { status: 404 }));
  await api.remove("a/b");
  assert.equal(asked[0]?.url, "https://host.example/x/api/push/subscriptions/a%2Fb/");
  assert.equal(asked[0]?.init.method, "DELETE");
});

test("removing is answered with nothing", async () => {
  await anApi(new Response(null, { status: 204 })).api.remove("7");
});

test("no key is no error", async () => {
  assert.equal(await anApi(Response.json({ detail: "" }, { status: 404 })).api.key(), null);
  assert.equal(await anApi(Response.json({ key: KEY })).api.key(), KEY);
});
