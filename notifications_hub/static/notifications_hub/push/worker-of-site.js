// @ts-check

/** What pages and `service_worker/push.js` say to each other. */
const HELLO = "notifications-hub";
/** Milliseconds, because the browser may have to start the worker. */
const ANSWERS_WITHIN = 3_000;
const REMEDY = "Import service_worker/push.js into it, and leave service_worker.urls out of your URLs.";

/** Thrown if registering the hub's worker would replace one of the site's own, which shows no pushes of the hub. */
export class WorkerConflict extends Error {
  /** @param {string} url */
  constructor(url) {
    super(`This site has a service worker of its own, ${url}. ${REMEDY}`);
    this.name = "WorkerConflict";
  }
}

/**
 * Return the registration of a worker of the site's own that also shows the hub's pushes, or null if there is none. Then
 * the hub's worker may be registered. A worker whose script is gone counts as none.
 *
 * @param {Pick<ServiceWorkerContainer, "getRegistration">} container
 * @param {string} hubWorker the address of the hub's worker
 * @param {typeof globalThis.fetch} fetch
 * @throws {WorkerConflict}
 */
export async function workerOfSite(container, hubWorker, fetch) {
  const scope = new URL("./", hubWorker).href;
  const registration = await container.getRegistration(scope);
  const worker = registration?.active;
  if (!registration || !worker || registration.scope !== scope || worker.scriptURL === hubWorker) return null;
  if (await answers(worker)) return registration;
  const response = await fetch(worker.scriptURL, { cache: "no-store" }).catch(() => null);
  if (response?.ok) throw new WorkerConflict(worker.scriptURL);
  return null;
}

/**
 * @param {Pick<ServiceWorker, "postMessage">} worker
 * @returns {Promise<boolean>} whether it runs `push.js`
 */
function answers(worker) {
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ANSWERS_WITHIN);
    port1.onmessage = ({ data }) => {
      clearTimeout(timer);
      resolve(data === HELLO);
    };
    worker.postMessage(HELLO, [port2]);
  });
  return answered.finally(() => port1.close());
}
