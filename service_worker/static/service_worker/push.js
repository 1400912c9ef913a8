// @ts-check
/// <reference lib="webworker" />
"use strict";

/*
 * Shows pushes and answers clicks while no page is open. A site with a worker of its own takes it over with one line:
 *
 *     importScripts("/static/service_worker/push.js");     a classic worker
 *     import "/static/service_worker/push.js";             a module worker
 *
 * In a block, so that nothing but the listeners reaches the site's worker.
 */
{
  /**
   * @typedef {object} Memo what a shown notification remembers for its click, and for being closed
   * @property {string} id of the notification: a tag may be shared by several, of which the last is shown
   * @property {string} url
   * @property {Record<string, string>} actions name of a button to where it leads
   * @property {string} owner
   * @property {string} token
   * @property {string} act
   *
   * @typedef {object} Note what pages wrote down here, in `worker-state.js`
   * @property {string} [person] who is signed in; empty when nobody is
   * @property {string} [renew] where a new subscription is handed in
   * @property {string} [token] what it is handed in with
   * @property {string} [key] what it is made with
   */

  const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

  /** The only words a worker must know itself: it has no page to take them from, and no push may stay silent. */
  const UNTITLED = { en: "New notification", zh: "新通知" };
  /** A button that opens nothing. */
  const READ = "read";
  const NOTES = "notifications-hub";
  const NOTE = "/notifications-hub/note";

  // Listeners are synchronous: a worker that is told of its work too late may be stopped in the middle of it.
  worker.addEventListener("push", (event) => event.waitUntil(show(event.data)));
  worker.addEventListener("notificationclick", (event) => {
    const memo = memoOf(event.notification);
    if (memo) event.waitUntil(click(event.notification, memo, event.action));
  });
  worker.addEventListener("pushsubscriptionchange", (event) => {
    event.waitUntil(subscribeAgain(/** @type {PushSubscriptionChangeEvent} */ (event)));
  });
  worker.addEventListener("message", (event) => {
    if (Array.isArray(event.data?.close)) event.waitUntil(closeItems(event.data.close));
  });

  /** @param {PushMessageData | null} data */
  async function show(data) {
    const payload = read(data);
    const { person } = await readNote();
    const owner = text(payload.owner);
    const foreign = owner !== "" && person !== undefined && person !== owner;
    await (foreign ? showVeiled(payload, owner) : showWhole(payload, owner));
  }

  /**
   * Whoever is signed in here now may not read it. Nobody was told by this, so nothing is reported.
   *
   * @param {any} payload
   * @param {string} owner
   */
  async function showVeiled(payload, owner) {
    const data = { notificationsHub: { id: text(payload.id), url: "", actions: {}, owner, token: "", act: "" } };
    await worker.registration.showNotification(untitled(), { tag: text(payload.notification?.tag), data });
  }

  /**
   * @param {any} payload
   * @param {string} owner
   */
  async function showWhole(payload, owner) {
    const shape = payload.notification ?? {};
    const actions = actionsOf(shape.actions);
    const memo = {
      id: text(payload.id),
      url: text(payload.url),
      actions: linksOf(actions),
      owner,
      token: text(payload.token),
      act: text(payload.act),
    };
    await worker.registration.showNotification(text(shape.title) || untitled(), {
      body: text(shape.body),
      tag: text(shape.tag),
      lang: text(shape.lang),
      dir: shape.dir === "ltr" || shape.dir === "rtl" ? shape.dir : "auto",
      data: { notificationsHub: memo },
      ...(actions.length > 0 && { actions: actions.map(buttonOf) }),
    });
    await report(memo, "shown");
  }

  /**
   * Never throws: a push that shows nothing costs the site its permission.
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
   * @param {Memo} memo
   * @param {string} action
   */
  async function click(notification, memo, action) {
    notification.close();
    if (action === READ) return report(memo, "read");
    const target = ownUrl(memo.actions[action] ?? memo.url) ?? worker.registration.scope;
    // Together: the browser lets a worker open a window only for a moment after the click.
    await Promise.all([open(target), report(memo, "clicked")]);
  }

  /** @param {string} url */
  async function open(url) {
    const tabs = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
    const tab = tabs.find((candidate) => candidate.url === url);
    await (tab ? tab.focus() : worker.clients.openWindow(url));
  }

  /**
   * Tells the server, with the payload's token and without a cookie, and counts on the app's icon what it says is
   * unread. Best effort: unreported is untold, so the next page tells.
   *
   * @param {Memo} memo
   * @param {"shown" | "clicked" | "read"} action
   */
  async function report({ act, token }, action) {
    const url = ownUrl(act);
    if (!url || !token) return;
    const answer = await post(url, { token, action });
    await countOnIcon(answer?.unread);
  }

  /** @param {unknown} unread */
  async function countOnIcon(unread) {
    const { navigator } = worker;
    if (typeof unread !== "number" || !("setAppBadge" in navigator)) return;
    await (unread > 0 ? navigator.setAppBadge(unread) : navigator.clearAppBadge()).catch(() => undefined);
  }

  /**
   * The browser dropped its subscription, and may have made another. A page that is open next does the same as this.
   *
   * @param {PushSubscriptionChangeEvent} event
   */
  async function subscribeAgain({ newSubscription, oldSubscription }) {
    const note = await readNote();
    const applicationServerKey = oldSubscription?.options.applicationServerKey ?? note.key;
    const fresh = newSubscription ?? (applicationServerKey ? await subscribe(applicationServerKey) : null);
    const url = ownUrl(text(note.renew));
    if (!fresh || !url || !note.token) return;
    const key = base64Url(fresh.options.applicationServerKey) || note.key;
    const answer = await post(url, { token: note.token, subscription: { ...fresh.toJSON(), key } });
    if (answer?.token) await writeNote({ ...(await readNote()), token: answer.token });
  }

  /** @param {ArrayBuffer | string} applicationServerKey */
  function subscribe(applicationServerKey) {
    return worker.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  }

  /** @param {unknown[]} ids */
  async function closeItems(ids) {
    for (const notification of await worker.registration.getNotifications()) {
      if (ids.includes(memoOf(notification)?.id)) notification.close();
    }
  }

  /**
   * @param {string} url
   * @param {object} message
   * @returns {Promise<any>} null when it did not get through
   */
  async function post(url, message) {
    const body = JSON.stringify(message);
    const headers = { "Content-Type": "application/json" };
    try {
      const response = await fetch(url, { method: "POST", headers, body, credentials: "omit", keepalive: true });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  /** @returns {Promise<Note>} */
  async function readNote() {
    try {
      const kept = await (await worker.caches.open(NOTES)).match(NOTE);
      return (await kept?.json()) ?? {};
    } catch {
      return {};
    }
  }

  /** @param {Note} note */
  async function writeNote(note) {
    await (await worker.caches.open(NOTES)).put(NOTE, Response.json(note));
  }

  /**
   * An absolute URL of this site, or null: a payload must not lead people elsewhere.
   *
   * @param {string} url
   */
  function ownUrl(url) {
    if (!url || !URL.canParse(url, worker.location.origin)) return null;
    const absolute = new URL(url, worker.location.origin);
    return absolute.origin === worker.location.origin ? absolute.href : null;
  }

  /**
   * Null for a notification that the site's own worker has shown.
   *
   * @param {Notification} notification
   * @returns {Memo | null}
   */
  function memoOf(notification) {
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
