// @ts-check
import { part, setText } from "../../notifications_hub/dist/client.js";
import { LabChart } from "./lab-chart.js";
import { LabConnection } from "./lab-connection.js";
import { duration, plain, size } from "./lab-format.js";
import { LabSender, until } from "./lab-sender.js";

const KINDS = ["ws", "sse", "poll", "plain-poll"];
const BURST = { count: 50, every: 100 };
const CUT = { count: 10, every: 500, cut: true };
/** The longest wait for events, in milliseconds. */
const LONGEST = 12_000;

/**
 * `<connections-lab>`: compares the four kinds of connection on one topic, side by side.
 *
 * Attributes, all written by the page: `topic`, `cursor`, `live`, `send` (URL) and `csrf`.
 */
export class ConnectionsLabElement extends HTMLElement {
  #life = new AbortController();
  /** @type {LabConnection[]} */
  #connections = [];
  /** @type {LabChart | null} */
  #chart = null;
  /** @type {LabSender | null} */
  #sender = null;
  #due = false;

  connectedCallback() {
    this.#life = new AbortController();
    const run = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16)).join("");
    const live = new URL(this.#text("live"), document.baseURI);
    const topic = this.#text("topic");
    this.#connections = KINDS.map((kind) => new LabConnection({ kind, live, topic, run }));
    this.#chart = new LabChart(/** @type {any} */ (part(this, "chart")), this.#connections, this.#life.signal);
    this.#sender = new LabSender({
      url: new URL(this.#text("send"), document.baseURI),
      csrf: this.#text("csrf"),
      run,
      connections: this.#connections,
    });
    this.#listen();
    for (const connection of this.#connections) connection.start(this.#text("cursor"));
    this.#renderSoon();
  }

  disconnectedCallback() {
    this.#life.abort();
    for (const connection of this.#connections) connection.stop();
  }

  #listen() {
    const { signal } = this.#life;
    for (const connection of this.#connections) {
      connection.addEventListener("lab-changed", () => this.#renderSoon(), { signal });
    }
    const doing = { one: () => this.#one(), burst: () => this.#burst(), cut: () => this.#cut() };
    for (const [name, act] of Object.entries(doing)) {
      part(this, name).addEventListener("click", () => this.#run(act), { signal });
    }
    // Heartbeats and empty polls cost bytes too, but dispatch no event.
    const timer = setInterval(() => this.#renderSoon(), 1_000);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /**
   * Run one experiment at a time, then show the result in words.
   *
   * @param {() => Promise<boolean>} act
   */
  async #run(act) {
    const buttons = ["one", "burst", "cut"].map((name) => /** @type {HTMLButtonElement} */ (part(this, name)));
    // `disabled` would remove the focus of keyboard users.
    if (buttons.some((button) => button.ariaDisabled === "true")) return;
    for (const button of buttons) button.ariaDisabled = "true";
    this.#announce(part(this, "said").dataset.running ?? "");
    const done = act();
    this.#chart?.draw();
    const sent = await done;
    await this.#arrived();
    this.#announce(sent ? this.#summary() : (part(this, "said").dataset.refused ?? ""));
    for (const button of buttons) button.ariaDisabled = null;
  }

  async #one() {
    return this.#sender?.send() ?? false;
  }

  async #burst() {
    return this.#sender?.burst(BURST) ?? false;
  }

  async #cut() {
    for (const connection of this.#connections) connection.cut();
    this.toggleAttribute("cut", true);
    const sent = await this.#sender?.burst(CUT);
    for (const connection of this.#connections) connection.mend();
    this.toggleAttribute("cut", false);
    return sent ?? false;
  }

  /** Wait for the events that are under way. */
  async #arrived() {
    const end = performance.now() + LONGEST;
    const isMissing = () => this.#connections.some(({ figures }) => figures.missing > 0);
    while (isMissing() && performance.now() < end) await until(performance.now() + 50);
  }

  #summary() {
    const { each = "" } = part(this, "said").dataset;
    return this.#connections
      .map(({ kind, figures }) =>
        each
          .replace("{kind}", () => this.#nameOf(kind))
          .replace("{typical}", () => duration(figures.typical))
          .replace("{largest}", () => duration(figures.largest))
          .replace("{received}", () => plain(figures.received))
          .replace("{missing}", () => plain(figures.missing))
          .replace("{repeats}", () => plain(figures.repeats)),
      )
      .join("\n");
  }

  /** @param {string} words */
  #announce(words) {
    setText(part(this, "said"), words);
  }

  #renderSoon() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => this.#render());
  }

  #render() {
    this.#due = false;
    this.#chart?.draw();
    for (const connection of this.#connections) this.#renderTexts(connection);
    this.#renderBars("largest", ({ figures }) => figures.largest ?? 0);
    this.#renderBars("requests", ({ figures }) => figures.requests);
    this.#renderBars("bytes", ({ figures }) => figures.bytes);
  }

  /** @param {LabConnection} connection */
  #renderTexts({ kind, state, figures }) {
    this.#fill(kind, {
      typical: duration(figures.typical),
      largest: duration(figures.largest),
      requests: plain(figures.requests),
      bytes: size(figures.bytes),
      each: size(figures.bytesPerEvent),
      received: plain(figures.received),
    });
    const legend = part(this, `legend-${kind}`);
    legend.dataset.state = state;
    setText(part(legend, "state"), part(this, "legend").getAttribute(`data-${state}`) ?? state);
  }

  /**
   * Write the figures, each of which may appear in several elements.
   *
   * @param {string} kind
   * @param {Record<string, string>} texts
   */
  #fill(kind, texts) {
    for (const [name, text] of Object.entries(texts)) {
      for (const element of this.querySelectorAll(`[data-figure="${name}"][data-kind="${kind}"]`))
        setText(element, text);
    }
  }

  /**
   * @param {string} name
   * @param {(connection: LabConnection) => number} figureOf
   */
  #renderBars(name, figureOf) {
    const most = Math.max(...this.#connections.map(figureOf), Number.MIN_VALUE);
    for (const connection of this.#connections) {
      const bar = this.querySelector(`[data-bar="${name}"][data-kind="${connection.kind}"]`);
      if (bar instanceof HTMLElement) bar.style.setProperty("--part", String(figureOf(connection) / most));
    }
  }

  /** @param {string} kind */
  #nameOf(kind) {
    return part(part(this, `legend-${kind}`), "name").textContent?.trim() ?? kind;
  }

  /** @param {string} name */
  #text(name) {
    return this.getAttribute(name) ?? "";
  }
}
