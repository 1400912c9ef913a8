// @ts-check
/**
 * @import { HubEvent } from "./hub-event.js"
 * @import { HubResetEvent } from "./hub-reset-event.js"
 * @import { Job } from "./wire.js"
 */
import { part, setText } from "./dom.js";
import { linkOf } from "./item-view.js";
import { JobApi } from "./job-api.js";
import { isOver, percentOf, quarterOf } from "./job-view.js";
import { NotificationBellElement } from "./notification-bell-element.js";
import { TaskEndedEvent } from "./task-ended-event.js";

const LOOKS_EVERY = 2_000;

/**
 * `<task-progress topic="task.…" job="/api/v1/jobs/…/" csrf="…" state="…" version="…">` around the bar as the server
 * rendered it: lets it follow its job to the end, by the page's bell. A page without one asks now and then.
 *
 * Its words are the server's: it shows the child whose `data-standing` fits. Dispatches `task-ended`.
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
    if (isOver(this.#text("state"))) return;
    const { signal } = this.#life;
    const url = new URL(this.#text("job"), document.baseURI);
    this.#api = new JobApi({ url, csrf: this.#text("csrf"), signal });
    this.#hear(signal);
    this.#cancelForm?.addEventListener("submit", (event) => this.#cancel(event), { signal });
    customElements.whenDefined("notification-bell").then(() => !signal.aborted && this.#follow());
  }

  disconnectedCallback() {
    this.#leave();
  }

  /** @param {AbortSignal} signal */
  #hear(signal) {
    const event = (/** @type {Event} */ heard) => {
      const { topic, data } = /** @type {HubEvent} */ (heard);
      if (topic === this.#topic) this.#take(data);
    };
    const reset = (/** @type {Event} */ heard) => {
      if (/** @type {HubResetEvent} */ (heard).topics.includes(this.#topic)) this.#look();
    };
    document.addEventListener("hub-event", event, { signal });
    document.addEventListener("hub-reset", reset, { signal });
  }

  #follow() {
    const bell = this.#bell;
    if (bell) bell.listen(this.#topic);
    else this.#lookNowAndThen();
  }

  #leave() {
    this.#life.abort();
    this.#bell?.leave(this.#topic);
  }

  async #look() {
    try {
      const job = await this.#api?.look();
      if (job) this.#take(job);
    } catch {
      // It stays as it is: the next event, or the next reset, tells more.
    }
  }

  async #lookNowAndThen() {
    const { signal } = this.#life;
    while (!signal.aborted) {
      await this.#look();
      await new Promise((resolve) => setTimeout(resolve, LOOKS_EVERY));
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
    this.#leave();
    this.dispatchEvent(new TaskEndedEvent(job));
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

  get #cancelForm() {
    return /** @type {HTMLFormElement | null} */ (this.querySelector("form[data-part=cancel]"));
  }

  get #bell() {
    const bell = document.querySelector("notification-bell");
    return bell instanceof NotificationBellElement ? bell : null;
  }

  get #topic() {
    return this.#text("topic");
  }

  /** @param {string} name */
  #text(name) {
    return this.getAttribute(name) ?? "";
  }
}
