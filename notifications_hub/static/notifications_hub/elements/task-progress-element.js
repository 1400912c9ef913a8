// @ts-check
/**
 * @import { HubEvent, HubRefusedEvent, HubResetEvent, HubStateEvent } from "../client/hub-events.js"
 * @import { ToastDueEvent } from "../toasts/toast-events.js"
 * @import { Job } from "../protocol/wire.js"
 */

import { HubClient } from "../client/hub-client.js";
import { PageWatch } from "../client/page-watch.js";
import { jobOf, linkOf } from "../inbox/item-view.js";
import { JobApi } from "../jobs/job-api.js";
import { isOver, percentOf, quarterOf, TaskEndedEvent } from "../jobs/job-view.js";
import { HubState } from "../protocol/hub-state.js";
import { isInSight, part, setText } from "../shared/dom.js";
import { elementLine } from "./element-line.js";

/**
 * `<task-progress>` around a server-rendered progress bar: follows its job until the end.
 *
 * Attributes, all written by the template tag:
 *
 * - `topic`, `live` and `csrf`.
 * - `cursor`: the position to resume from.
 * - `person`: tabs of one person share a connection.
 * - `job`: its URL in the API.
 * - `state` and `version`: of the job, which it keeps up to date.
 *
 * Its words are the server's: it shows the child with the matching `data-standing`. Dispatches `task-ended`. While it is
 * in sight it shows the job's end itself, so it claims that toast.
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
    const client = new HubClient({
      topics: [topic],
      line: (query) => elementLine(this, { page, query, toasts: false }),
    });
    client.addEventListener("hub-event", (event) => {
      const hubEvent = /** @type {HubEvent} */ (event);
      if (hubEvent.topic === topic) this.#apply(hubEvent.data);
    });
    client.addEventListener("hub-reset", (event) => {
      if (/** @type {HubResetEvent} */ (event).topics.includes(topic)) this.#refetch();
    });
    client.addEventListener("hub-refused", (event) => {
      // Stop only after the current dispatch has finished.
      if (/** @type {HubRefusedEvent} */ (event).topic === topic) queueMicrotask(() => client.stop());
    });
    client.addEventListener("hub-state", (event) => {
      if (/** @type {HubStateEvent} */ (event).state === HubState.SIGNED_OUT) this.#signedOut();
    });
    signal.addEventListener("abort", () => client.stop());
    // Stop only after the event that ended the job has been dispatched completely.
    this.addEventListener("task-ended", () => queueMicrotask(() => client.stop()), { signal });
    client.start(this.#text("cursor"));
  }

  /** Report that the bar stands still from now on. */
  #signedOut() {
    if (this.#isOver) return;
    this.#renderTrouble("signed-out");
    if (this.#cancelForm) this.#cancelForm.hidden = true;
  }

  async #refetch() {
    try {
      const job = await this.#api?.fetch();
      if (job) this.#apply(job);
    } catch {
      // Keep the current state: the next event or reset brings a newer one.
    }
  }

  /**
   * Apply a newer version of the job. Events and responses may overtake each other.
   *
   * @param {Job} job
   */
  #apply(job) {
    if (job.version <= this.#version) return;
    this.#version = job.version;
    this.#job = job;
    if (this.#renderDue) return;
    this.#renderDue = true;
    // A microtask also runs in a hidden tab, where no animation frame is drawn.
    queueMicrotask(() => this.#render());
  }

  #render() {
    this.#renderDue = false;
    const job = this.#job;
    if (!job) return;
    this.setAttribute("state", job.state);
    this.setAttribute("version", String(job.version));
    this.#renderTrouble("");
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

  /** @param {"" | "signed-out" | "stop-failed"} what */
  #renderTrouble(what) {
    const trouble = part(this, "trouble");
    trouble.hidden = !what;
    setText(trouble, trouble.getAttribute(`data-${what}`) ?? "");
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
   * Claim the toast of the job's end. The bell may receive the end before this element does.
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
    const hadFocus = form.contains(document.activeElement);
    form.hidden = true;
    this.#renderTrouble("");
    try {
      await this.#api?.cancel();
      await this.#refetch();
    } catch {
      form.hidden = false;
      this.#renderTrouble("stop-failed");
      if (hadFocus) form.querySelector("button")?.focus();
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
