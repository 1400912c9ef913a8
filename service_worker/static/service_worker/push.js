// @ts-check
/// <reference lib="webworker" />
"use strict";

/*
 * Shows pushes and handles clicks while no page is open. A site with its own worker imports it with one line:
 *
 *     importScripts("/static/service_worker/push.js");
 *
 * A module worker imports the same address. (An import written out here would be one to Django's `collectstatic`.)
 *
 * The block keeps its names out of the site's worker; only the listeners reach it.
 */
{
  /**
   * @typedef {object} PushData stored in a shown notification for its click and for closing it
   * @property {string} id of the notification: several may share a tag, and only the last is shown
   * @property {string} url
   * @property {Record<string, string>} actions from a button's name to its URL
   * @property {string[]} [runs] the buttons that run something without a page
   * @property {string} owner
   * @property {string} token
   * @property {string} act
   *
   * @typedef {object} StoredState written by pages, in `worker-state.js`
   * @property {string} [person] "" if nobody is signed in
   * @property {string} [renew] the URL that takes a new subscription
   * @property {string} [token] authorises the renewal
   * @property {string} [key] the site's public key for new subscriptions
   */

  const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

  /** The worker's only own words: it has no page to take them from, and every push must show something. */
  const UNTITLED = { en: "New notification", zh: "新通知" };
  /** The names of the buttons that open no page. The report has the same. */
  const READ = "read";
  const ACKNOWLEDGE = "acknowledge";
  const UNFOLLOW = "hub-unfollow";
  const CACHE = "notifications-hub";
  const HELLO = "notifications-hub";
  const ENTRY = "/notifications-hub/note";
  /** Milliseconds for which a stand-in stays: the browser checks what is shown just after the push's event. */
  const CLOSE_AFTER = 1000;

  // Listeners are synchronous: if `waitUntil` comes too late, the browser may stop the worker halfway.
  worker.addEventListener("push", (event) => event.waitUntil(show(event.data)));
  worker.addEventListener("notificationclick", (event) => {
    const pushData = pushDataOf(event.notification);
    if (pushData) event.waitUntil(click(event.notification, pushData, event.action));
  });
  worker.addEventListener("pushsubscriptionchange", (event) => {
    event.waitUntil(subscribeAgain(/** @type {PushSubscriptionChangeEvent} */ (event)));
  });
  worker.addEventListener("message", (event) => {
    // A page asks before it registers the hub's own worker: this one, the site's, shows the pushes already.
    if (event.data === HELLO) event.ports[0]?.postMessage(HELLO);
    if (Array.isArray(event.data?.close)) event.waitUntil(closeItems(event.data.close));
  });

  /** @param {PushMessageData | null} data */
  async function show(data) {
    const payload = read(data);
    if (payload.retracts === true) return takeBack(payload);
    const { person } = await readState();
    const owner = text(payload.owner);
    const isOthers = owner !== "" && person !== undefined && person !== owner;
    await (isOthers ? showWithoutWords(payload, owner) : showWithWords(payload, owner));
  }

  /**
   * Take back a push that was shown: put a silent one without its words in its place, then close that.
   *
   * A browser wants to see something for each push. So nothing closes before it has looked, at the end of the event.
   *
   * @param {any} payload
   */
  async function takeBack({ id, owner, notification }) {
    const tag = text(notification?.tag);
    const pushData = { id: text(id), url: "", actions: {}, owner: text(owner), token: "", act: "" };
    await showBriefly(text(notification?.title), { tag, lang: text(notification?.lang) }, pushData);
  }

  /**
   * @param {string} title
   * @param {{tag: string, lang: string}} options
   * @param {PushData} pushData
   */
  async function showBriefly(title, options, pushData) {
    const shown = { ...options, silent: true, data: { notificationsHub: pushData } };
    await worker.registration.showNotification(title || untitled(), shown);
    setTimeout(() => closeItems([pushData.id]), CLOSE_AFTER);
  }

  /**
   * Show a push without its words: it belongs to a person who is not signed in here now. It does not count as delivered,
   * so nothing is reported.
   *
   * @param {any} payload
   * @param {string} owner
   */
  async function showWithoutWords(payload, owner) {
    const data = { notificationsHub: { id: text(payload.id), url: "", actions: {}, owner, token: "", act: "" } };
    await worker.registration.showNotification(untitled(), { tag: text(payload.notification?.tag), data });
  }

  /**
   * @param {any} payload
   * @param {string} owner
   */
  async function showWithWords(payload, owner) {
    const shape = payload.notification ?? {};
    const actions = actionsOf(shape.actions);
    const tag = text(shape.tag);
    const pushData = {
      id: text(payload.id),
      url: text(payload.url),
      actions: linksOf(actions),
      runs: actions.filter(({ runs }) => runs === true).map(({ action }) => text(action)),
      owner,
      token: text(payload.token),
      act: text(payload.act),
    };
    await worker.registration.showNotification(text(shape.title) || untitled(), {
      body: text(shape.body),
      tag,
      // It takes the place of the earlier one, and is to be noticed again. Browsers refuse that without a tag.
      ...(shape.renotify === true && tag !== "" && { renotify: true }),
      ...(text(shape.icon) && { icon: text(shape.icon) }),
      lang: text(shape.lang),
      dir: shape.dir === "ltr" || shape.dir === "rtl" ? shape.dir : "auto",
      data: { notificationsHub: pushData },
      ...(actions.length > 0 && { actions: actions.map(buttonOf) }),
    });
    // Safari 16.4 lists nothing that it shows, so it cannot tell that the push was closed.
    const canTell = await isAnyListed();
    await report(pushData, "shown");
    if (!canTell || (await isAnythingSeen())) return;
    await showBriefly(text(shape.title), { tag, lang: text(shape.lang) }, pushData);
  }

  /**
   * Return whether a notification or a page of this site is seen. A push may have been closed while it was reported, and
   * Chromium shows words of its own if nothing is seen at the end of the event.
   */
  async function isAnythingSeen() {
    if (await isAnyListed()) return true;
    const tabs = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
    return tabs.some(({ visibilityState }) => visibilityState === "visible");
  }

  async function isAnyListed() {
    return (await worker.registration.getNotifications()).length > 0;
  }

  /**
   * Parse the payload. Never throws, because a push that shows nothing costs the site its permission.
   *
   * @param {PushMessageData | null} data
   * @returns {any}
   */
  function read(data) {
    try {
      return data?.json() ?? {};
    } catch {
      return {};
    }
  }

  /**
   * @param {Notification} notification
   * @param {PushData} pushData
   * @param {string} action
   */
  async function click(notification, pushData, action) {
    if (pushData.runs?.includes(action)) return run(notification, pushData, action);
    notification.close();
    if (action === READ) return report(pushData, action);
    if (action === ACKNOWLEDGE) return confirm(pushData);
    if (action === UNFOLLOW) return report(pushData, "unfollow");
    const target = ownUrl(pushData.actions[action] ?? pushData.url) ?? worker.registration.scope;
    // In parallel: a worker may open a window only for a moment after the click.
    await Promise.all([open(target), report(pushData, "clicked")]);
  }

  /**
   * Confirm it. If the site did not hear of that, open the page that confirms it, so that nobody wrongly believes it done.
   *
   * @param {PushData} pushData
   */
  async function confirm(pushData) {
    if (await report(pushData, ACKNOWLEDGE)) return;
    await open(ownUrl(pushData.actions[ACKNOWLEDGE] ?? pushData.url) ?? worker.registration.scope);
  }

  /**
   * Run an action as the person who is signed in in this browser, and show the result in place of the push. If it does
   * not run, or nobody is signed in, open the page that confirms it.
   *
   * @param {Notification} notification
   * @param {PushData} pushData
   * @param {string} action
   */
  async function run(notification, pushData, action) {
    const url = ownUrl(pushData.act);
    const message = { token: pushData.token, action: "run", name: action };
    const answer = url && pushData.token ? await post(url, message, "same-origin") : null;
    if (!answer?.result) {
      await open(ownUrl(pushData.actions[action] ?? pushData.url) ?? worker.registration.scope);
      return notification.close();
    }
    const { title, tag, lang } = notification;
    const data = { notificationsHub: { ...pushData, actions: {}, runs: [] } };
    await worker.registration.showNotification(text(answer.result.text), {
      body: title,
      tag,
      lang,
      silent: true,
      data,
    });
    await countOnIcon(answer.unread);
  }

  /** @param {string} url */
  async function open(url) {
    const tabs = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
    const tab = tabs.find((candidate) => candidate.url === url);
    await (tab ? tab.focus() : worker.clients.openWindow(url));
  }

  /**
   * Report an action to the server, with the payload's token and without a cookie. Then show the returned unread count on
   * the app's icon. Best effort: an unreported push counts as not delivered, so the next page shows the notification.
   * Return whether the server took it.
   *
   * @param {PushData} pushData
   * @param {"shown" | "clicked" | "read" | "acknowledge" | "unfollow"} action
   */
  async function report({ act, token }, action) {
    const url = ownUrl(act);
    if (!url || !token) return false;
    const answer = await post(url, { token, action });
    await countOnIcon(answer?.unread);
    return answer !== null;
  }

  /** @param {unknown} unread */
  async function countOnIcon(unread) {
    const { navigator } = worker;
    if (typeof unread !== "number" || !("setAppBadge" in navigator)) return;
    await (unread > 0 ? navigator.setAppBadge(unread) : navigator.clearAppBadge()).catch(() => undefined);
  }

  /**
   * Renew a subscription that the browser dropped or replaced. The next open page would do the same.
   *
   * @param {PushSubscriptionChangeEvent} event
   */
  async function subscribeAgain({ newSubscription, oldSubscription }) {
    const state = await readState();
    const applicationServerKey = oldSubscription?.options.applicationServerKey ?? state.key;
    const fresh = newSubscription ?? (applicationServerKey ? await subscribe(applicationServerKey) : null);
    const url = ownUrl(text(state.renew));
    if (!fresh || !url || !state.token) return;
    const key = base64Url(fresh.options.applicationServerKey) || state.key;
    const answer = await post(url, { token: state.token, subscription: { ...fresh.toJSON(), key } });
    if (answer?.token) await writeState({ ...(await readState()), token: answer.token });
  }

  /** @param {ArrayBuffer | string} applicationServerKey */
  function subscribe(applicationServerKey) {
    return worker.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  }

  /** @param {unknown[]} ids */
  async function closeItems(ids) {
    for (const notification of await worker.registration.getNotifications()) {
      if (ids.includes(pushDataOf(notification)?.id)) notification.close();
    }
  }

  /**
   * @param {string} url
   * @param {object} message
   * @param {RequestCredentials} [credentials]
   * @returns {Promise<any>} null if the request failed
   */
  async function post(url, message, credentials = "omit") {
    const body = JSON.stringify(message);
    const headers = { "Content-Type": "application/json" };
    try {
      const response = await fetch(url, { method: "POST", headers, body, credentials, keepalive: true });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  /** @returns {Promise<StoredState>} */
  async function readState() {
    try {
      const kept = await (await worker.caches.open(CACHE)).match(ENTRY);
      return (await kept?.json()) ?? {};
    } catch {
      return {};
    }
  }

  /** @param {StoredState} state */
  async function writeState(state) {
    await (await worker.caches.open(CACHE)).put(ENTRY, Response.json(state));
  }

  /**
   * Return an absolute URL of this site, or null: a payload must not lead people to another site.
   *
   * @param {string} url
   */
  function ownUrl(url) {
    if (!url || !URL.canParse(url, worker.location.origin)) return null;
    const absolute = new URL(url, worker.location.origin);
    return absolute.origin === worker.location.origin ? absolute.href : null;
  }

  /**
   * Return the hub's data of a notification, or null if the site's own worker has shown it.
   *
   * @param {Notification} notification
   * @returns {PushData | null}
   */
  function pushDataOf(notification) {
    return notification.data?.notificationsHub ?? null;
  }

  /**
   * @param {unknown} actions
   * @returns {Record<string, unknown>[]}
   */
  function actionsOf(actions) {
    return Array.isArray(actions) ? actions.filter((action) => action && typeof action === "object") : [];
  }

  /** @param {Record<string, unknown>[]} actions */
  function linksOf(actions) {
    return Object.fromEntries(actions.map(({ action, navigate }) => [text(action), text(navigate)]));
  }

  /** @param {Record<string, unknown>} action */
  function buttonOf({ action, title }) {
    return { action: text(action), title: text(title) };
  }

  /** @param {unknown} value */
  function text(value) {
    return typeof value === "string" ? value : "";
  }

  /** @param {ArrayBuffer | null} bytes */
  function base64Url(bytes) {
    const binary = String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0)));
    return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  function untitled() {
    return worker.navigator.language.startsWith("zh") ? UNTITLED.zh : UNTITLED.en;
  }
}
