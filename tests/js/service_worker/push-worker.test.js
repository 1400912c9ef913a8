// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";
import { fakeCaches } from "../support/fake-caches.js";

const SCRIPT = new URL("../../../service_worker/static/service_worker/push.js", import.meta.url);
const SAMPLE = JSON.parse(readFileSync(new URL("../../payloads/push.json", import.meta.url), "utf8"));
const RETRACTION = JSON.parse(readFileSync(new URL("../../payloads/push-retraction.json", import.meta.url), "utf8"));
const SITE = "https://hub.example";

/**
 * The worker in a fake environment.
 *
 * @param {{tabs?: string[], language?: string, fetch?: () => Promise<unknown>, note?: object, lists?: boolean}} [options]
 */
function aWorker({
  tabs = [],
  language = "en-GB",
  fetch = async () => Response.json({ unread: 2 }),
  note,
  lists = true,
} = {}) {
  const { kept, caches } = fakeCaches(note);
  /** @type {Record<string, (event: any) => void>} */
  const listeners = {};
  const seen = {
    shown: /** @type {any[]} */ ([]),
    reports: /** @type {any[]} */ ([]),
    focused: /** @type {string[]} */ ([]),
    opened: /** @type {string[]} */ ([]),
    subscribed: /** @type {any[]} */ ([]),
    badges: /** @type {number[]} */ ([]),
  };
  /** @type {any[]} */
  const onScreen = [];
  const self = {
    location: { origin: SITE },
    caches,
    navigator: {
      language,
      setAppBadge: async (/** @type {number} */ count) => seen.badges.push(count),
      clearAppBadge: async () => seen.badges.push(0),
    },
    addEventListener: (/** @type {string} */ type, /** @type {any} */ listener) => {
      listeners[type] = listener;
    },
    registration: {
      scope: `${SITE}/`,
      showNotification: async (/** @type {string} */ title, /** @type {any} */ options) => {
        seen.shown.push({ title, ...options });
        onScreen.push({ title, ...options, close: () => undefined });
      },
      getNotifications: async () => (lists ? [...onScreen] : []),
      pushManager: {
        subscribe: async (/** @type {any} */ options) => {
          seen.subscribed.push(options);
          return { options, toJSON: () => ({ endpoint: "made by the worker" }) };
        },
      },
    },
    clients: {
      matchAll: async () =>
        tabs.map((url) => ({ url, visibilityState: "hidden", focus: async () => seen.focused.push(url) })),
      openWindow: async (/** @type {string} */ url) => seen.opened.push(url),
    },
  };
  const reporting = (/** @type {string} */ url, /** @type {any} */ init) => {
    seen.reports.push({ url, ...init, body: JSON.parse(init.body) });
    return fetch();
  };
  /** @type {(() => Promise<void>)[]} */
  const later = [];
  const setTimeout = (/** @type {() => Promise<void>} */ act) => later.push(act);
  vm.runInNewContext(readFileSync(SCRIPT, "utf8"), { self, URL, Response, btoa, fetch: reporting, setTimeout });

  /** @param {string} type @param {object} event */
  async function dispatch(type, event) {
    /** @type {Promise<unknown>[]} */
    const work = [];
    listeners[type]?.({ ...event, waitUntil: (/** @type {Promise<unknown>} */ promise) => work.push(promise) });
    assert.ok(work.length <= 1, "one waitUntil an event");
    await Promise.all(work);
    return work.length === 1;
  }

  return { ...seen, onScreen, dispatch, kept, later };
}

/** @param {unknown} payload */
const pushed = (payload) => ({ data: { json: () => structuredClone(payload) } });

/** @param {any} notification @param {string} [action] */
function clickOn(notification, action = "") {
  const closed = { times: 0 };
  return { closed, event: { notification: { ...notification, close: () => closed.times++ }, action } };
}

test("the sample payload is shown in its own words and reported", async () => {
  const worker = aWorker();
  await worker.dispatch("push", pushed(SAMPLE));
  const [{ title, body, tag, lang, dir, actions }] = worker.shown;
  assert.deepEqual(
    [title, body, tag, lang, dir],
    ["Bob replied to “Hello”", "I agree. 我同意 👋", "n12", "en", "auto"],
  );
  assert.deepEqual(
    actions.map((/** @type {any} */ { action, title }) => [action, title]),
    [
      ["read", "Mark as read"],
      ["preferences", "Preferences"],
      ["thread", "All replies"],
      ["open", "Open"],
    ],
  );
  const [report] = worker.reports;
  assert.equal(report.url, `${SITE}/api/v1/push/act/`);
  assert.deepEqual(report.body, { token: SAMPLE.token, action: "shown" });
  assert.deepEqual([report.method, report.credentials], ["POST", "omit"]);
});

for (const [what, event] of /** @type {[string, any][]} */ ([
  ["no data", { data: null }],
  ["text", { data: { json: () => JSON.parse("not JSON") } }],
  ["null", pushed(null)],
  ["a number", pushed(5)],
  ["an empty object", pushed({})],
  ["the shape of a later version", pushed({ notification: { title: 5, actions: [null, 7, {}] }, url: [], act: {} })],
])) {
  test(`a push with ${what} shows something in the person's language`, async () => {
    const worker = aWorker({ language: "zh-CN" });
    await worker.dispatch("push", event);
    assert.deepEqual(
      worker.shown.map(({ title }) => title),
      ["新通知"],
    );
    assert.equal(worker.reports.length, 0);
  });
}

test("a repeated push is to be noticed again, unless it has no tag, which browsers refuse", async () => {
  const worker = aWorker();
  for (const notification of [SAMPLE.notification, { ...SAMPLE.notification, renotify: true }, { renotify: true }]) {
    await worker.dispatch("push", pushed({ ...SAMPLE, notification }));
  }
  assert.deepEqual(
    worker.shown.map((one) => one.renotify),
    [undefined, true, undefined],
  );
});

test("the unread count is shown on the app's icon", async () => {
  const worker = aWorker();
  await worker.dispatch("push", pushed(SAMPLE));
  assert.deepEqual(worker.badges, [2]);
  const read = aWorker({ fetch: async () => Response.json({ unread: 0 }) });
  await read.dispatch("push", pushed(SAMPLE));
  assert.deepEqual(read.badges, [0]);
});

for (const note of [undefined, {}, { person: SAMPLE.owner }]) {
  test(`the owner of the push sees its words, with the state ${JSON.stringify(note)}`, async () => {
    const worker = aWorker({ note });
    await worker.dispatch("push", pushed(SAMPLE));
    assert.equal(worker.shown[0].title, SAMPLE.notification.title);
  });
}

for (const person of ["someone else", ""]) {
  test(`a push for Alice shows none of her words while ${person || "nobody"} is signed in`, async () => {
    const worker = aWorker({ note: { person } });
    await worker.dispatch("push", pushed(SAMPLE));
    assert.deepEqual(Object.keys(worker.shown[0]), ["title", "tag", "data"]);
    assert.deepEqual([worker.shown[0].title, worker.shown[0].tag], ["New notification", "n12"]);
    assert.deepEqual([worker.reports, worker.badges], [[], []]);
    await worker.dispatch("notificationclick", clickOn(worker.shown[0]).event);
    assert.deepEqual([worker.opened, worker.reports], [[`${SITE}/`], []]);
  });
}

test("a failed report changes nothing", async () => {
  const worker = aWorker({ fetch: () => Promise.reject(new TypeError("offline")) });
  await worker.dispatch("push", pushed(SAMPLE));
  assert.equal(worker.shown.length, 1);
});

test("a report is sent to this site only", async () => {
  const worker = aWorker();
  await worker.dispatch("push", pushed({ ...SAMPLE, act: "https://evil.example/act/" }));
  assert.equal(worker.reports.length, 0);
});

test("a click opens the page, closes the notification and is reported", async () => {
  const worker = aWorker({ tabs: [`${SITE}/`] });
  await worker.dispatch("push", pushed(SAMPLE));
  const { closed, event } = clickOn(worker.shown[0]);
  await worker.dispatch("notificationclick", event);
  assert.equal(closed.times, 1);
  assert.deepEqual(worker.opened, [`${SITE}/posts/9/`]);
  assert.deepEqual(worker.focused, []);
  assert.deepEqual(worker.reports.at(-1).body, { token: SAMPLE.token, action: "clicked" });
});

test("a click focuses the tab that shows the page already", async () => {
  const worker = aWorker({ tabs: [`${SITE}/`, `${SITE}/posts/9/`] });
  await worker.dispatch("push", pushed(SAMPLE));
  await worker.dispatch("notificationclick", clickOn(worker.shown[0]).event);
  assert.deepEqual(worker.focused, [`${SITE}/posts/9/`]);
  assert.deepEqual(worker.opened, []);
});

test("a button opens its own URL", async () => {
  const worker = aWorker();
  await worker.dispatch("push", pushed(SAMPLE));
  await worker.dispatch("notificationclick", clickOn(worker.shown[0], "thread").event);
  assert.deepEqual(worker.opened, [`${SITE}/posts/9/replies/`]);
});

test("a button marks as read and opens nothing", async () => {
  const worker = aWorker({ fetch: async () => Response.json({ unread: 0 }) });
  await worker.dispatch("push", pushed(SAMPLE));
  const { closed, event } = clickOn(worker.shown[0], "read");
  await worker.dispatch("notificationclick", event);
  assert.equal(closed.times, 1);
  assert.deepEqual([worker.opened, worker.focused], [[], []]);
  assert.deepEqual(worker.reports.at(-1).body, { token: SAMPLE.token, action: "read" });
  assert.equal(worker.reports.at(-1).credentials, "omit");
});

test("the button that unfollows reports that and opens nothing", async () => {
  const worker = aWorker({ fetch: async () => Response.json({ unread: 0 }) });
  const actions = [
    { action: "hub-unfollow", title: "Unfollow", navigate: `${SITE}/notifications/following/unfollow/x/` },
  ];
  await worker.dispatch("push", pushed({ ...SAMPLE, notification: { ...SAMPLE.notification, actions } }));
  await worker.dispatch("notificationclick", clickOn(worker.shown[0], "hub-unfollow").event);
  assert.deepEqual([worker.opened, worker.focused], [[], []]);
  assert.deepEqual(worker.reports.at(-1).body, { token: SAMPLE.token, action: "unfollow" });
});

for (const url of [
  "https://evil.example/",
  "https:evil.example/",
  "https:\\evil.example/",
  "https://hub.example@evil.example/",
  "https://hub.example.evil.example/",
  "https://hub.example:8443/",
  "http://hub.example/",
  "//evil.example/",
  "///evil.example/",
  "/\\evil.example/",
  "/\t/evil.example/",
  "/\n/evil.example/",
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "java\nscript:alert(1)",
  "\tjavascript:alert(1)",
  "data:text/html,x",
  "blob:https://evil.example/1",
  "mailto:eve@evil.example",
  "",
  "http://",
]) {
  test(`neither a click nor a button opens ${JSON.stringify(url)}`, async () => {
    const worker = aWorker();
    const notification = { ...SAMPLE.notification, actions: [{ action: "thread", title: "All", navigate: url }] };
    await worker.dispatch("push", pushed({ ...SAMPLE, url, notification }));
    await worker.dispatch("notificationclick", clickOn(worker.shown[0]).event);
    await worker.dispatch("notificationclick", clickOn(worker.shown[0], "thread").event);
    const origins = worker.opened.map((opened) => new URL(opened).origin);
    assert.deepEqual(origins, [SITE, SITE]);
  });
}

test("a notification of the site's own worker is left alone", async () => {
  const worker = aWorker();
  const { closed, event } = clickOn({ data: { own: true } });
  assert.equal(await worker.dispatch("notificationclick", event), false);
  assert.equal(closed.times, 0);
});

test("the worker answers a page that asks whether it shows the hub's pushes", async () => {
  const worker = aWorker();
  /** @type {unknown[]} */
  const said = [];
  const ports = [{ postMessage: (/** @type {unknown} */ text) => said.push(text) }];
  await worker.dispatch("message", { data: "notifications-hub", ports });
  await worker.dispatch("message", { data: "another page's word", ports });
  assert.deepEqual(said, ["notifications-hub"]);
});

test("a page closes a read notification, but not another with the same tag", async () => {
  const worker = aWorker();
  /** @type {string[]} */
  const closed = [];
  const theirs = { data: null, close: () => closed.push("of the site's own worker") };
  for (const id of ["12", "13"]) {
    await worker.dispatch("push", pushed({ ...SAMPLE, id }));
    worker.onScreen.splice(-1, 1, { ...worker.shown.at(-1), close: () => closed.push(id) }, theirs);
  }
  await worker.dispatch("message", { data: { close: ["12", "another of the same tag"] } });
  assert.deepEqual(closed, ["12"]);
  assert.equal(await worker.dispatch("message", { data: "hello" }), false);
  assert.equal(await worker.dispatch("message", { data: null }), false);
});

for (const note of [undefined, { person: SAMPLE.owner }, { person: "someone else" }]) {
  test(`a retraction replaces its push, and is closed afterwards, with the state ${JSON.stringify(note)}`, async () => {
    const worker = aWorker({ note });
    await worker.dispatch("push", pushed(RETRACTION));
    const [shown] = worker.shown;
    assert.deepEqual([shown.title, shown.body], ["This announcement was withdrawn.", undefined]);
    assert.deepEqual([shown.tag, shown.silent], [SAMPLE.notification.tag, true]);
    assert.equal(worker.reports.length, 0);

    /** @type {string[]} */
    const closed = [];
    worker.onScreen.splice(0, 1, { ...shown, close: () => closed.push("it") });
    worker.onScreen.push({ data: { notificationsHub: { id: "13" } }, close: () => closed.push("another") });
    await worker.later[0]?.();
    assert.deepEqual(closed, ["it"]);
  });
}

test("a push that is closed while it is reported is seen again for a moment", async () => {
  /** @type {ReturnType<typeof aWorker>} */
  const worker = aWorker({
    fetch: async () => {
      worker.onScreen.length = 0;
      return Response.json({ unread: 0 });
    },
  });
  await worker.dispatch("push", pushed(SAMPLE));
  const [first, again] = worker.shown;
  assert.deepEqual([again.title, again.tag, again.silent], [first.title, first.tag, true]);

  /** @type {string[]} */
  const closed = [];
  worker.onScreen.splice(0, 1, { ...again, close: () => closed.push("it") });
  await worker.later[0]?.();
  assert.deepEqual(closed, ["it"]);
});

test("a browser that lists nothing of what it shows gets no push twice", async () => {
  const worker = aWorker({ lists: false });
  await worker.dispatch("push", pushed(SAMPLE));
  assert.deepEqual([worker.shown.length, worker.reports.length], [1, 1]);
});

test("a retraction in an unknown shape shows something, without a failure", async () => {
  const worker = aWorker();
  await worker.dispatch("push", pushed({ retracts: true, notification: null }));
  assert.deepEqual(
    worker.shown.map(({ title }) => title),
    ["New notification"],
  );
});

const KEPT = { person: "p", renew: "/api/v1/push/renew/", token: "first", key: "BAEC" };

test("a dropped subscription is renewed with the token, and the next token is stored", async () => {
  const worker = aWorker({ note: KEPT, fetch: async () => Response.json({ id: "7", token: "second" }) });
  await worker.dispatch("pushsubscriptionchange", { newSubscription: null, oldSubscription: null });
  assert.equal(worker.subscribed[0].applicationServerKey, "BAEC");
  const [{ url, body, credentials }] = worker.reports;
  assert.deepEqual([url, credentials], [`${SITE}/api/v1/push/renew/`, "omit"]);
  assert.equal(body.token, "first");
  assert.equal(body.subscription.endpoint, "made by the worker");
  assert.deepEqual(worker.kept.note, { ...KEPT, token: "second" });
});

test("a replaced subscription is registered unchanged with its key", async () => {
  const worker = aWorker({ note: KEPT, fetch: async () => Response.json({ id: "7", token: "second" }) });
  const options = { applicationServerKey: new Uint8Array([4, 1, 251, 255]).buffer };
  const newSubscription = { options, toJSON: () => ({ endpoint: "replaced" }) };
  await worker.dispatch("pushsubscriptionchange", { newSubscription, oldSubscription: null });
  assert.equal(worker.subscribed.length, 0);
  assert.deepEqual(worker.reports[0].body.subscription, { endpoint: "replaced", key: "BAH7_w" });
});

test("a refused renewal is left to the next page", async () => {
  const worker = aWorker({ note: KEPT, fetch: async () => new Response("{}", { status: 400 }) });
  await worker.dispatch("pushsubscriptionchange", { newSubscription: null, oldSubscription: null });
  assert.deepEqual(worker.kept.note, KEPT);
});

test("a renewal is sent to this site only", async () => {
  const worker = aWorker({ note: { ...KEPT, renew: "https://evil.example/" } });
  await worker.dispatch("pushsubscriptionchange", { newSubscription: null, oldSubscription: null });
  assert.equal(worker.reports.length, 0);
});

test("a dropped subscription is renewed with the same key", async () => {
  const worker = aWorker();
  const key = new ArrayBuffer(65);
  const oldSubscription = { options: { applicationServerKey: key } };
  await worker.dispatch("pushsubscriptionchange", { newSubscription: null, oldSubscription });
  assert.deepEqual(
    worker.subscribed.map(({ userVisibleOnly, applicationServerKey }) => [userVisibleOnly, applicationServerKey]),
    [[true, key]],
  );
  await worker.dispatch("pushsubscriptionchange", { newSubscription: null, oldSubscription: null });
  assert.equal(worker.subscribed.length, 1);
});

test("the button that confirms opens no page, and is reported", async () => {
  const worker = aWorker();
  await worker.dispatch("push", pushed(SAMPLE));
  const { closed, event } = clickOn(worker.shown[0], "acknowledge");
  await worker.dispatch("notificationclick", event);
  assert.deepEqual([closed.times, worker.opened, worker.focused], [1, [], []]);
  assert.deepEqual(worker.reports.at(-1).body, { token: SAMPLE.token, action: "acknowledge" });
});

test("if the site does not hear of it, the page that confirms is opened", async () => {
  const actions = [{ action: "acknowledge", title: "Confirm", navigate: `${SITE}/notifications/?show=unconfirmed` }];
  const push = { ...SAMPLE, notification: { ...SAMPLE.notification, actions } };
  const answers = [() => Promise.reject(new TypeError("offline")), async () => new Response("", { status: 400 })];
  for (const fetch of answers) {
    const worker = aWorker({ fetch });
    await worker.dispatch("push", pushed(push));
    await worker.dispatch("notificationclick", clickOn(worker.shown[0], "acknowledge").event);
    assert.deepEqual(worker.opened, [`${SITE}/notifications/?show=unconfirmed`]);
  }
});

const ASKS = {
  ...SAMPLE,
  notification: {
    ...SAMPLE.notification,
    actions: [
      { action: "approve", title: "Approve", navigate: `${SITE}/notifications/12/act/approve/`, runs: true },
      { action: "decline", title: "Decline", navigate: `${SITE}/notifications/12/act/decline/` },
    ],
  },
};

test("a button that runs something shows the result in place of the push, and opens no page", async () => {
  const result = { text: "Approved by Alice", detail: "", by: "Alice", action: "approve", at: "" };
  const worker = aWorker({ fetch: async () => Response.json({ unread: 1, result }) });
  await worker.dispatch("push", pushed(ASKS));
  await worker.dispatch("notificationclick", clickOn(worker.shown[0], "approve").event);
  const report = worker.reports.at(-1);
  assert.deepEqual(report.body, { token: SAMPLE.token, action: "run", name: "approve" });
  assert.equal(report.credentials, "same-origin");
  assert.deepEqual([worker.opened, worker.badges.at(-1)], [[], 1]);
  const shown = worker.shown.at(-1);
  assert.deepEqual([shown.title, shown.body, shown.tag], ["Approved by Alice", SAMPLE.notification.title, "n12"]);
  assert.equal(shown.actions, undefined);
});

for (const [what, fetch, action] of /** @type {[string, () => Promise<unknown>, string][]} */ ([
  ["nobody is signed in", async () => Response.json({ detail: "Sign in first." }, { status: 401 }), "approve"],
  ["the site is away", () => Promise.reject(new TypeError("offline")), "approve"],
  ["it asks for a word", async () => Response.json({ unread: 1 }), "decline"],
])) {
  test(`a button opens the page that confirms it if ${what}`, async () => {
    const worker = aWorker({ fetch });
    await worker.dispatch("push", pushed(ASKS));
    const { closed, event } = clickOn(worker.shown[0], action);
    await worker.dispatch("notificationclick", event);
    assert.deepEqual(worker.opened, [`${SITE}/notifications/12/act/${action}/`]);
    assert.equal(closed.times, 1);
    assert.equal(worker.shown.length, 1);
  });
}
