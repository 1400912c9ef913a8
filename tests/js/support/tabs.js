// @ts-check
import { HubClient } from "../../../notifications_hub/static/notifications_hub/client/hub-client.js";
import { HubLine } from "../../../notifications_hub/static/notifications_hub/client/hub-line.js";
import { TabLine } from "../../../notifications_hub/static/notifications_hub/tabs/tab-line.js";
import { FakeBrowser } from "./fake-browser.js";
import { FakeHub } from "./fake-hub.js";
import { FakePage } from "./fake-page.js";

/** @type {FakeBrowser} */
export let browser;
/** @type {FakeHub} */
export let hub;
/** @type {Tab[]} */
export let tabs;
/** @type {any} */
let timers;

/** @param {unknown} t the test that begins */
export function begin(t) {
  timers = /** @type {any} */ (t).mock.timers;
  timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 });
  browser = new FakeBrowser();
  hub = new FakeHub();
  tabs = [];
}

export function end() {
  for (const tab of tabs) tab.client.stop();
}

/** A person's page with its client, assembled like the bell's. */
export class Tab {
  page = new FakePage();
  /** @type {string[]} */
  received = [];
  /** @type {string[]} */
  delivered = [];
  /** @type {any[]} */
  shown = [];
  /** @type {any[]} */
  acked = [];
  /** @type {any[]} */
  unshown = [];
  /** @type {any[]} */
  late = [];

  /**
   * @param {string[]} topics
   * @param {{person?: string, visible?: boolean, toasts?: boolean}} how
   */
  constructor(topics, { person = "alice", visible = true, toasts = true }) {
    this.page.visible = visible;
    this.toasts = toasts;
    this.client = new HubClient({ topics: ["inbox", ...topics], line: (query) => this.#line(query, person) });
    this.client.addEventListener("hub-event", (event) => {
      const { topic, seq } = /** @type {any} */ (event);
      this.received.push(`${topic} ${seq}`);
      if (this.client.notifies) this.delivered.push(`${topic} ${seq}`);
    });
    this.client.addEventListener("hub-reset", (event) => {
      for (const topic of /** @type {any} */ (event).topics) this.received.push(`${topic} reset`);
    });
    this.client.addEventListener("hub-refused", (event) =>
      this.received.push(`${/** @type {any} */ (event).topic} refused`),
    );
    this.client.addEventListener("hub-shown", (event) => this.shown.push(.../** @type {any} */ (event).ids));
    this.client.addEventListener("hub-unshown", (event) => this.late.push(/** @type {any} */ (event).items));
    this.client.start(JSON.stringify({ inbox: hub.top("inbox") }));
  }

  /**
   * @param {any} query
   * @param {string} person
   */
  #line(query, person) {
    const newLine = (/** @type {any} */ wanted, /** @type {any} */ watch) =>
      new HubLine({ connect: (now) => hub.connect(now()), watch, query: wanted, random: () => 1 });
    return new TabLine({
      name: person,
      page: this.page,
      query,
      newLine,
      catchUp: (now) => hub.poll(now),
      unshown: () => this.unshown,
      toasts: this.toasts,
      ack: (cursor) => this.acked.push(cursor),
      locks: browser.locksOf(this),
      openChannel: browser.openChannelOf(this),
    });
  }

  get leads() {
    return browser.holderOf(":lead") === this;
  }

  /** Kill the process without a last message. */
  kill() {
    browser.kill(this);
    tabs.splice(tabs.indexOf(this), 1);
    // Close the connections as well: a dead process closes its sockets too.
    this.page.say("page-left");
  }

  /** @param {string} topic */
  of(topic) {
    return this.received.filter((what) => what.startsWith(`${topic} `)).map((what) => what.slice(topic.length + 1));
  }
}

/**
 * @param {string[]} [topics]
 * @param {{person?: string, visible?: boolean, toasts?: boolean}} [how]
 */
export async function open(topics = [], how = {}) {
  const tab = new Tab(topics, how);
  tabs.push(tab);
  await settled();
  return tab;
}

/** Wait for promises, messages and answers to settle. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** @param {number} ms */
export async function pass(ms) {
  await settled();
  for (let left = ms; left > 0; left -= 500) {
    timers.tick(Math.min(500, left));
    await settled();
  }
}

/** @param {string} topic */
export async function publish(topic) {
  hub.publish(topic);
  await settled();
}

export const numbers = (/** @type {number} */ from, /** @type {number} */ to) =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
