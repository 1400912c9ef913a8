// @ts-check
/// <reference lib="webworker" />
"use strict";

/* This site's own worker. The view puts push.js before it; this part lets a new version replace the old one. */
{
  const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

  // The worker has no state and serves no pages, so it need not wait for the old worker's tabs to close.
  worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));
  worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
}
