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
   * @typedef {object} Memo what a shown notification remembers for its click
   * @property {string} url
   * @property {Record<string, string>} actions name of a button to where it leads
   * @property {string} token
   * @property {string} act
   */

  const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

  /** The only words a worker must know itself: it has no page to take them from, and no push may stay silent. */
  const UNTITLED = { en: "New notification", zh: "新通知" };

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
    if (Array.isArray(event.data?.close)) event.waitUntil(closeTags(event.data.close));
  });

  /** @param {PushMessageData | null} data */
  async function show(data) {
    const payload = read(data);
    const shape = payload.notification ?? {};
    const actions = actionsOf(shape.actions);
    const memo = {
      url: text(payload.url),
      actions: linksOf(actions),
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
   * Tells the server, with the payload's token and without a cookie. Best effort: unreported is untold, so the next page tells.
   *
   * @param {Memo} memo
   * @param {"shown" | "clicked"} action
   */
  async function report({ act, token }, action) {
    const url = ownUrl(act);
    if (!url || !token) return;
    const body = JSON.stringify({ token, action });
    const headers = { "Content-Type": "application/json" };
    await fetch(url, { method: "POST", headers, body, credentials: "omit", keepalive: true }).catch(() => undefined);
  }

  /**
   * The browser dropped its subscription and may have made none. The page registers the new one when it is next open.
   *
   * @param {PushSubscriptionChangeEvent} event
   */
  async function subscribeAgain({ newSubscription, oldSubscription }) {
    const key = oldSubscription?.options.applicationServerKey;
    if (newSubscription || !key) return;
    await worker.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  }

  /** @param {unknown[]} tags */
  async function closeTags(tags) {
    for (const notification of await worker.registration.getNotifications()) {
      if (tags.includes(notification.tag)) notification.close();
    }
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

  function untitled() {
    return worker.navigator.language.startsWith("zh") ? UNTITLED.zh : UNTITLED.en;
  }
}
