// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { PushApi } from "../../../notifications_hub/static/notifications_hub/push/push-api.js";
import { stateOfFailure } from "../../../notifications_hub/static/notifications_hub/push/push-failure.js";
import { PushMemory } from "../../../notifications_hub/static/notifications_hub/push/push-memory.js";
import { PushState } from "../../../notifications_hub/static/notifications_hub/push/push-state.js";
import { PushSwitch } from "../../../notifications_hub/static/notifications_hub/push/push-switch.js";
import { ApiError } from "../../../notifications_hub/static/notifications_hub/shared/api-error.js";
import { fakeCaches } from "../support/fake-caches.js";

const KEY = "BAEC_-8";
const OTHER_KEY = "BAEC_-A";

/**
 * A fake browser and a fake server.
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
  const registeredWorkers = /** @type {string[]} */ ([]);
  const registration = /** @type {any} */ ({ pushManager });
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
    fetch: async () => ({ ok: true }),
    Notification,
    PushManager: class {},
    navigator: {
      serviceWorker: {
        register: async (/** @type {string} */ url) => {
          registeredWorkers.push(url);
          return registration;
        },
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
    new PushSwitch({ api, workerUrl: "https://hub.example/sw.js", renewUrl: "/renew/", person, binding, view });
  /** Let the site have a worker of its own already. @param {any} worker */
  const hasWorker = (worker) => Object.assign(registration, { scope: "https://hub.example/", active: worker });
  const browser = { view, pushManager, server, asked, listed, kept, registeredWorkers };
  return { ...browser, hasWorker, switchOf, subscription: () => subscription };
}

const OWN_WORKER = "https://hub.example/worker.js";

test("the hub's worker is registered on a site without one", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  assert.deepEqual(browser.registeredWorkers, ["https://hub.example/sw.js"]);
});

test("a worker of the site's own that imports push.js is used as it is", async () => {
  const browser = aBrowser();
  browser.hasWorker({
    scriptURL: OWN_WORKER,
    postMessage: (/** @type {any} */ said, /** @type {any} */ [port]) => port.postMessage(said),
  });
  assert.equal(await browser.switchOf("1").turnOn(), PushState.ON);
  assert.deepEqual(browser.registeredWorkers, []);
});

test("a worker of the site's own that shows no pushes is not replaced, and the failure names the remedy", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const browser = aBrowser();
  browser.hasWorker({ scriptURL: OWN_WORKER, postMessage: () => setImmediate(() => t.mock.timers.tick(3_000)) });
  const failed = await browser
    .switchOf("1")
    .turnOn()
    .catch((/** @type {unknown} */ error) => error);
  assert.equal(stateOfFailure(failed), PushState.FAILED);
  assert.match(String(failed), /worker\.js\. Import service_worker\/push\.js into it/);
  assert.deepEqual(browser.registeredWorkers, []);
});

test("a worker whose script is gone is replaced", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const browser = aBrowser();
  browser.hasWorker({ scriptURL: OWN_WORKER, postMessage: () => setImmediate(() => t.mock.timers.tick(3_000)) });
  browser.view.fetch = async () => ({ ok: false });
  await browser.switchOf("1").turnOn();
  assert.deepEqual(browser.registeredWorkers, ["https://hub.example/sw.js"]);
});

test("checking the state does not ask the person", async () => {
  const browser = aBrowser();
  assert.equal(await browser.switchOf("1").check(), PushState.DEFAULT);
  assert.equal(browser.asked.permission, 0);
  assert.equal(browser.server.registered.length, 0);
});

test("it switches on and off", async () => {
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

test("a browser that is on stays on and is registered again at the next visit", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  assert.equal(await browser.switchOf("1").check(), PushState.ON);
  assert.equal(browser.server.registered.length, 2);
});

test("a lost subscription is renewed at the next visit", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  await browser.subscription().unsubscribe();
  assert.equal(await browser.switchOf("1").check(), PushState.ON);
  assert.notEqual(browser.subscription(), null);
});

test("a new key of the site is adopted at the next visit", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  browser.server.key = OTHER_KEY;
  assert.equal(await browser.switchOf("1").check(), PushState.ON);
  assert.equal(new Uint8Array(browser.subscription().options.applicationServerKey).at(-1), 0xe0);
});

test("pushes that Alice switched on are off for Bob until he switches them on", async () => {
  const browser = aBrowser();
  await browser.switchOf("alice").turnOn();
  assert.equal(await browser.switchOf("bob").check(), PushState.OFF);
  assert.equal(browser.server.registered.length, 1);
  assert.equal(await browser.switchOf("bob").turnOn(), PushState.ON);
  assert.equal(browser.server.registered.length, 2);
});

test("a page sends no request if nothing has changed", async () => {
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

test("a page renews a subscription that the browser has dropped", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  await browser.subscription().unsubscribe();
  await browser.switchOf("1").keep();
  assert.deepEqual(browser.server.registered.at(-1), { endpoint: "e1", key: KEY });
});

test("pages do nothing once the site sends no more pushes", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  await browser.switchOf("1", "").keep();
  assert.equal(browser.server.registered.length, 1);
});

test("a browser that was removed in another one stays off", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  browser.listed.clear();
  assert.equal(await browser.switchOf("1", "b2").check(), PushState.OFF);
  assert.equal(browser.server.registered.length, 1);
  assert.equal(browser.subscription(), null);
});

test("signing out and in again keeps pushes on", async () => {
  const browser = aBrowser();
  await browser.switchOf("1").turnOn();
  browser.listed.clear();
  new PushMemory(browser.view.localStorage).leave("1");
  await browser.switchOf("1", "b2").keep();
  assert.deepEqual([...browser.listed], ["2"]);
});

test("two people in one browser keep their own choices", async () => {
  const browser = aBrowser();
  await browser.switchOf("alice").turnOn();
  await browser.switchOf("bob").turnOn();
  await browser.switchOf("bob").turnOff();
  assert.equal(await browser.switchOf("bob").check(), PushState.OFF);
  assert.equal(await browser.switchOf("alice").check(), PushState.ON);
});

test("a site with its own worker subscribes with that worker", async () => {
  const browser = aBrowser();
  browser.view.navigator.serviceWorker.register = () => assert.fail("registered");
  const options = { api: /** @type {any} */ ({ key: async () => null }), workerUrl: "", renewUrl: "", binding: "b" };
  const pushes = new PushSwitch({ ...options, person: "1", view: browser.view });
  assert.equal(await pushes.turnOn(), PushState.UNAVAILABLE);
});

test("a refusal is not asked about again", async () => {
  const browser = aBrowser({ answer: "denied" });
  const pushes = browser.switchOf("1");
  assert.equal(await pushes.turnOn(), PushState.DENIED);
  assert.equal(await pushes.check(), PushState.DENIED);
  assert.equal(browser.asked.permission, 1);
});

test("a dismissed question may be asked again", async () => {
  assert.equal(await aBrowser({ answer: "default" }).switchOf("1").turnOn(), PushState.DEFAULT);
});

test("a site without a key is unavailable", async () => {
  assert.equal(await aBrowser({ key: null }).switchOf("1").check(), PushState.UNAVAILABLE);
});

test("a browser without Web Push is unsupported", async () => {
  const browser = aBrowser();
  delete browser.view.PushManager;
  assert.equal(await browser.switchOf("1").check(), PushState.UNSUPPORTED);
});

test("an iPhone must install the site first", async () => {
  const browser = aBrowser();
  delete browser.view.PushManager;
  browser.view.navigator.standalone = false;
  assert.equal(await browser.switchOf("1").check(), PushState.INSTALL);
});

test("a failure names the state that explains it", async () => {
  const { WORKER, SERVICE, OFFLINE, DENIED } = PushState;
  const failing = (/** @type {(browser: any) => void} */ breakIt) => {
    const browser = aBrowser();
    breakIt(browser);
    return browser.switchOf("1").turnOn().then(String, stateOfFailure);
  };
  const subscribeThrows = (/** @type {string} */ name) => (/** @type {any} */ browser) => {
    browser.pushManager.subscribe = async () => {
      throw new DOMException("", name);
    };
  };
  assert.equal(await failing(subscribeThrows("AbortError")), SERVICE);
  assert.equal(await failing(subscribeThrows("NotAllowedError")), DENIED);
  assert.equal(await failing(({ view }) => (view.navigator.serviceWorker.register = () => Promise.reject(1))), WORKER);
  const offline = (/** @type {any} */ browser) => {
    subscribeThrows("AbortError")(browser);
    browser.view.navigator.onLine = false;
  };
  assert.equal(await failing(offline), OFFLINE);
});

test("a refusal of the server names its state", () => {
  const states = [0, 400, 401, 403, 429, 500].map((status) => stateOfFailure(new ApiError(status, "")));
  assert.deepEqual(states, ["offline", "refused", "signed-out", "signed-out", "busy", "failed"]);
  assert.equal(stateOfFailure(new TypeError()), PushState.FAILED);
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

test("registering carries the token, under the host's prefix", async () => {
  const { api, asked } = anApi(Response.json({ id: "7" }, { status: 201 }));
  assert.deepEqual(await api.register({ endpoint: "e" }), { id: "7" });
  assert.equal(asked[0]?.url, "https://host.example/x/api/push/subscriptions/");
  assert.equal(asked[0]?.init.headers["X-CSRFToken"], "token");
  assert.deepEqual(JSON.parse(asked[0]?.init.body), { endpoint: "e" });
});

test("a refusal carries the server's reason", async () => {
  const { api } = anApi(Response.json({ detail: "The subscription has no keys." }, { status: 400 }));
  await assert.rejects(api.register({}), /no keys/);
});

test("removing a missing subscription succeeds", async () => {
  const { api, asked } = anApi(Response.json({ detail: "" }, { status: 404 }));
  await api.remove("a/b");
  assert.equal(asked[0]?.url, "https://host.example/x/api/push/subscriptions/a%2Fb/");
  assert.equal(asked[0]?.init.method, "DELETE");
});

test("removing accepts an empty answer", async () => {
  await anApi(new Response(null, { status: 204 })).api.remove("7");
});

test("a missing key is not an error", async () => {
  assert.equal(await anApi(Response.json({ detail: "" }, { status: 404 })).api.key(), null);
  assert.equal(await anApi(Response.json({ key: KEY })).api.key(), KEY);
});
