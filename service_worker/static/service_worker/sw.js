// @ts-check
/// <reference lib="webworker" />
"use strict";

/* This site's own worker: push.js, which the view puts before it, and how a new version takes over from the old. */
{
  const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

  // It keeps no state and serves no pages, so nothing is gained by waiting for the old one's tabs to close.
  worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));
  worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
}
