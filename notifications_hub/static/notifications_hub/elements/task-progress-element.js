// @ts-check
/**
 * @import { HubEvent, HubRefusedEvent, HubResetEvent } from "../client/hub-events.js"
 * @import { Query } from "../protocol/live-url.js"
 * @import { ToastDueEvent } from "../toasts/toast-events.js"
 * @import { Job } from "../protocol/wire.js"
 */

import { HubClient } from "../client/hub-client.js";
import { PageWatch } from "../client/page-watch.js";
import { jobOf, linkOf } from "../inbox/item-view.js";
import { JobApi } from "../jobs/job-api.js";
import { isOver, percentOf, quarterOf, TaskEndedEvent } from "../jobs/job-view.js";
import { isInSight, part, setText } from "../shared/dom.js";
import { liveLine } from "../tabs/open-line.js";

/**
 * `<task-progress>` around the bar as the server wrote it: from then on it follows its job, to the end.
 *
 * Attributes, all written by the template tag: `topic`, `cursor` from where to go on, `live` and `person` (who shares a
 * connection with whom), `job` (its address in the API), `csrf`, and `state` and `version`, which it keeps true. Its
 * words are the server's: it shows the child whose `data-standing` fits. Dispatches `task-ended`. While it is in sight it
 * claims the toast of its job's end, which it shows itself.
 */
export class TaskProgressElement extends HTMLElement {
  #life = new AbortController();
  /** @type {JobApi | null} */
  #api = null;
  /** @type {Job | null} */
  #job = null;
  #version = 0;
  #quarter = 0;
  #renderDue = false;

  connectedCallback() {
    this.#life = new AbortController();
    this.#version = Number(this.#text("version"));
    const { signal } = this.#life;
    const due = (/** @type {Event} */ event) => this.#claim(/** @type {ToastDueEvent} */ (event));
    document.addEventListener("toast-due", due, { signal });
    if (this.#isOver) return;
    const url = new URL(this.#text("job"), document.baseURI);
    this.#api = new JobApi({ url, csrf: this.#text("csrf"), signal });
    this.#cancelForm?.addEventListener("submit", (event) => this.#cancel(event), { signal });
    this.#connect(signal);
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {AbortSignal} signal */
  #connect(signal) {
    const page = new PageWatch(signal);
    const topic = this.#text("topic");
    const client = new HubClient({ topics: [topic], line: (query) => this.#line(page, query) });
    client.addEventListener("hub-event", (event) => {
      const heard = /** @type {HubEvent} */ (event);
      if (heard.topic === topic) this.#take(heard.data);
    });
    client.addEventListener("hub-reset", (event) => {
      if (/** @type {HubResetEvent} */ (event).topics.includes(topic)) this.#look();
    });
    client.addEventListener("hub-refused", (event) => {
      // Once whoever says so has finished.
      if (/** @type {HubRefusedEvent} */ (event).topic === topic) queueMicrotask(() => client.stop());
    });
    signal.addEventListener("abort", () => client.stop());
    // Once the event that told it has been heard to its end.
    this.addEventListener("task-ended", () => queueMicrotask(() => client.stop()), { signal });
    client.start(this.#text("cursor"));
  }

  /**
   * @param {PageWatch} page
   * @param {() => Query} query
   */
  #line(page, query) {
    const live = new URL(this.#text("live"), document.baseURI);
    const stack = /** @type {any} */ (document.querySelector("toast-stack"));
    const unshown = () => stack?.waiting ?? [];
    return liveLine({ live, person: this.#text("person"), page, query, unshown, toasts: false });
  }

  async #look() {
    try {
      const job = await this.#api?.fetch();
      if (job) this.#take(job);
    } catch {
      // It stays as it is: the next event, or the next reset, tells more.
    }
  }

  /**
   * What comes by the hub and what was asked for may overtake each other.
   *
   * @param {Job} job
   */
  #take(job) {
    if (job.version <= this.#version) return;
    this.#version = job.version;
    this.#job = job;
    if (this.#renderDue) return;
    this.#renderDue = true;
    // Also in a tab that is hidden, where no frame is ever drawn.
    queueMicrotask(() => this.#render());
  }

  #render() {
    this.#renderDue = false;
    const job = this.#job;
    if (!job) return;
    this.setAttribute("state", job.state);
    this.setAttribute("version", String(job.version));
    this.#renderBar(percentOf(job));
    this.#renderWords(job);
    this.#renderActions(job);
    if (isOver(job.state)) this.#end(job);
  }

  /** @param {number | null} percent */
  #renderBar(percent) {
    const bar = /** @type {HTMLProgressElement} */ (part(this, "bar"));
    if (percent === null) bar.removeAttribute("value");
    else bar.value = percent;
    setText(part(this, "percent"), percent === null ? "" : `${percent} %`);
    const quarter = quarterOf(percent);
    if (quarter > this.#quarter && quarter < 100) setText(part(this, "announced"), `${quarter} %`);
    this.#quarter = quarter;
  }

  /** @param {Job} job */
  #renderWords({ state, standing, text }) {
    const words = /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-standing]"));
    for (const one of words) one.hidden = one.dataset.standing !== standing;
    const own = part(this, "text");
    own.hidden = text === "" || state === "cancelled";
    setText(own, text);
  }

  /** @param {Job} job */
  #renderActions({ state, standing, url }) {
    const link = linkOf({ url }, document.baseURI);
    const result = /** @type {HTMLAnchorElement} */ (part(this, "result"));
    result.hidden = link === "" || state !== "done";
    if (link) result.href = link;
    if (this.#cancelForm) this.#cancelForm.hidden = isOver(state) || standing === "cancelling";
  }

  /** @param {Job} job */
  #end(job) {
    setText(part(this, "announced"), "");
    this.dispatchEvent(new TaskEndedEvent(job));
  }

  /**
   * The bell may hear of the end before the bar does.
   *
   * @param {ToastDueEvent} due
   */
  #claim(due) {
    if (this.#text("topic") !== `task.${jobOf(due.item)}` || !isInSight(this)) return;
    const { signal } = this.#life;
    const ended = new Promise((resolve) => this.addEventListener("task-ended", () => resolve(true), { signal }));
    due.claim(this.#isOver ? Promise.resolve(true) : ended);
  }

  /** @param {Event} event */
  async #cancel(event) {
    event.preventDefault();
    const form = this.#cancelForm;
    if (!form) return;
    form.hidden = true;
    try {
      await this.#api?.cancel();
      await this.#look();
    } catch {
      form.hidden = false;
    }
  }

  get #isOver() {
    return isOver(this.#text("state"));
  }

  get #cancelForm() {
    return /** @type {HTMLFormElement | null} */ (this.querySelector("form[data-part=cancel]"));
  }

  /** @param {string} name */
  #text(name) {
    return this.getAttribute(name) ?? "";
  }
}
