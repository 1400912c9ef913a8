// @ts-check
/**
 * @import { HubEvent, HubFrameEvent, HubRefusedEvent, HubResetEvent, HubStateEvent } from "../client/hub-events.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { Entry } from "../protocol/wire.js"
 */
import { afterBell } from "../client/after-bell.js";
import { HubClient } from "../client/hub-client.js";
import { PageWatch } from "../client/page-watch.js";
import { backoff } from "../protocol/backoff.js";
import { HubState } from "../protocol/hub-state.js";
import { fetchRows } from "../rows/list-page.js";
import { RowList } from "../rows/row-list.js";
import { keepScrollPosition } from "../rows/scroll-position.js";
import { onTick } from "../shared/ticker.js";
import { liveLine } from "../tabs/open-line.js";

/**
 * `<live-list>` around rows as the server wrote them, each with its `data-key`: from then on they follow the topic.
 *
 * Attributes written by the template tag: `topic`, `row` (what its events are called after; "" for any), `live`,
 * `person` (who shares a connection with whom), and `cursor`, where the rows were read, which it keeps true. The host's
 * own: `insert="first"` for the newest on top, `sort="field"` or `sort="-field"` in place of that (rows then bear
 * `data-sort`), `most`, and `src`, where the list can be had again. New rows are copies of its `<template
 * data-part="row">`; see `fillRow`.
 *
 * `data-state` says where its connection stands. Each change bubbles from the row as `live-row`, and what the hub says
 * as `hub-refused` and `hub-reset`.
 */
export class LiveListElement extends HTMLElement {
  #life = new AbortController();
  /** @type {RowList | null} */
  #rows = null;
  /** Came with the frame that is being heard, or while the page is loaded again. @type {Entry[]} */
  #waiting = [];
  #loading = false;
  #again = false;
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    const rows = new RowList(this);
    this.#rows = rows;
    onTick(() => rows.refreshTimes(), signal);
    // Who is not signed in has the rows as they are.
    if (this.hasAttribute("live")) this.#connect(signal);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#life.abort();
    this.#waiting = [];
    this.#loading = false;
  }

  /** @param {AbortSignal} signal */
  #connect(signal) {
    const page = new PageWatch(signal);
    const client = new HubClient({ topics: [this.#text("topic")], line: (query) => this.#line(page, query) });
    client.addEventListener("hub-event", (event) => this.#hear(/** @type {HubEvent} */ (event)));
    client.addEventListener("hub-frame", (event) => this.#caughtUp(/** @type {HubFrameEvent} */ (event)));
    client.addEventListener("hub-reset", (event) => this.#reset(/** @type {HubResetEvent} */ (event)));
    client.addEventListener("hub-state", (event) => this.#turned(/** @type {HubStateEvent} */ (event).state));
    client.addEventListener("hub-refused", (event) => this.#refused(client, /** @type {HubRefusedEvent} */ (event)));
    signal.addEventListener("abort", () => client.stop());
    afterBell(() => client.start(this.#text("cursor")), signal);
  }

  /**
   * @param {PageWatch} page
   * @param {() => Query} query
   */
  #line(page, query) {
    const live = new URL(this.#text("live"), document.baseURI);
    const toasts = /** @type {any} */ (document.querySelector("toast-stack"));
    const unshown = () => toasts?.waiting ?? [];
    return liveLine({ live, person: this.#text("person"), page, query, unshown, toasts: false });
  }

  /** @param {HubEvent} event */
  #hear({ topic, entry }) {
    if (topic === this.#text("topic")) this.#waiting.push(entry);
  }

  /** @param {HubFrameEvent} event */
  #caughtUp({ cursor }) {
    this.setAttribute("cursor", cursor);
    if (!this.#loading) this.#fold();
  }

  #fold() {
    const entries = this.#waiting.splice(0);
    const rows = this.#rows;
    if (entries.length === 0 || !rows) return;
    keepScrollPosition(rows.element, () => {
      for (const entry of entries) this.#apply(rows, entry);
    });
  }

  /**
   * @param {RowList} rows
   * @param {Entry} entry
   */
  #apply(rows, { kind, data }) {
    const at = kind.lastIndexOf(".");
    const row = this.#text("row");
    if (row && kind.slice(0, at) !== row) return;
    const verb = kind.slice(at + 1);
    if (verb === "deleted") for (const key of data.ids) rows.remove(key);
    else if (verb !== "created" && verb !== "updated") return;
    else if (data.ids) this.#loadSoon();
    else if (verb === "created") rows.insert(data);
    else rows.change(data);
  }

  /** @param {HubResetEvent} event */
  #reset(event) {
    if (!event.topics.includes(this.#text("topic"))) return;
    this.dispatchEvent(event.copy());
    this.#loadSoon();
  }

  /** Many pages may have to at the same moment, so each waits a little of its own. */
  #loadSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), backoff(this.#tries));
  }

  /** What is heard meanwhile may be in the rows or not; applied after them it is right either way. */
  async #load() {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    const { signal } = this.#life;
    this.#loading = true;
    try {
      const fresh = await fetchRows(this, signal);
      this.#rows?.replaceAll(fresh);
      this.#tries = 0;
    } catch {
      this.#tries += 1;
      this.#again = true;
    }
    if (signal.aborted) return;
    this.#loading = false;
    this.#fold();
    if (this.#again) this.#loadSoon();
    this.#again = false;
  }

  /** @param {string} state */
  #turned(state) {
    this.dataset.state = state;
  }

  /**
   * @param {HubClient} client
   * @param {HubRefusedEvent} event
   */
  #refused(client, event) {
    if (event.topic !== this.#text("topic")) return;
    // Once whoever says so has finished.
    queueMicrotask(() => client.stop());
    queueMicrotask(() => this.#turned(HubState.REFUSED));
    this.dispatchEvent(event.copy());
  }

  /** @param {string} name */
  #text(name) {
    return this.getAttribute(name) ?? "";
  }
}
