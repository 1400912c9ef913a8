// @ts-check
/**
 * @import { HubEvent, HubFrameEvent, HubRefusedEvent, HubResetEvent, HubStateEvent } from "../client/hub-events.js"
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
import { elementLine } from "./element-line.js";

/**
 * `<live-list>` around server-rendered rows, each with its `data-key`: keeps them up to date with a topic.
 *
 * Attributes written by the template tag:
 *
 * - `topic` and `live`.
 * - `row`: the name that its events start with; "" for any.
 * - `person`: tabs of one person share a connection. Missing if nobody is signed in, and the topic is public.
 * - `cursor`: the position at which the rows were read. The element keeps it up to date.
 *
 * The host's own attributes:
 *
 * - `insert="first"`: put new rows on top.
 * - `sort="field"` or `sort="-field"`: sort the rows instead. They then need `data-sort`.
 * - `most`: the largest number of rows.
 * - `src`: the URL of the list if it is not the page's.
 *
 * New rows are copies of its `<template data-part="row">`; see `fillRow`.
 *
 * `data-state` is the state of its connection. Each change bubbles from the row as `live-row`. The hub's `hub-refused`
 * and `hub-reset` bubble from the element.
 */
export class LiveListElement extends HTMLElement {
  #life = new AbortController();
  /** @type {RowList | null} */
  #rows = null;
  /** Events of the current frame, or that arrived while the rows are reloaded. @type {Entry[]} */
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
    // Without the attribute the page's visitor may not listen, and the rows stay as they are.
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
    const topics = [this.#text("topic")];
    const client = new HubClient({ topics, line: (query) => elementLine(this, { page, query, toasts: false }) });
    client.addEventListener("hub-event", (event) => this.#collect(/** @type {HubEvent} */ (event)));
    client.addEventListener("hub-frame", (event) => this.#frameApplied(/** @type {HubFrameEvent} */ (event)));
    client.addEventListener("hub-reset", (event) => this.#reset(/** @type {HubResetEvent} */ (event)));
    client.addEventListener("hub-state", (event) => this.#stateChanged(/** @type {HubStateEvent} */ (event).state));
    client.addEventListener("hub-refused", (event) => this.#refused(client, /** @type {HubRefusedEvent} */ (event)));
    signal.addEventListener("abort", () => client.stop());
    afterBell(() => client.start(this.#text("cursor")), signal);
  }

  /** @param {HubEvent} event */
  #collect({ topic, entry }) {
    if (topic === this.#text("topic")) this.#waiting.push(entry);
  }

  /** @param {HubFrameEvent} event */
  #frameApplied({ cursor }) {
    this.setAttribute("cursor", cursor);
    if (!this.#loading) this.#applyWaiting();
  }

  #applyWaiting() {
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

  /** Schedule a reload. Many pages may reload at the same moment, so each waits a random time. */
  #loadSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), backoff(this.#tries));
  }

  /** Reload the rows. They may or may not include the waiting events; applying an event twice changes nothing. */
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
    this.#applyWaiting();
    if (this.#again) this.#loadSoon();
    this.#again = false;
  }

  /** @param {string} state */
  #stateChanged(state) {
    this.dataset.state = state;
  }

  /**
   * @param {HubClient} client
   * @param {HubRefusedEvent} event
   */
  #refused(client, event) {
    if (event.topic !== this.#text("topic")) return;
    // Stop only after the current dispatch has finished.
    queueMicrotask(() => client.stop());
    queueMicrotask(() => this.#stateChanged(HubState.REFUSED));
    this.dispatchEvent(event.copy());
  }

  /** @param {string} name */
  #text(name) {
    return this.getAttribute(name) ?? "";
  }
}
