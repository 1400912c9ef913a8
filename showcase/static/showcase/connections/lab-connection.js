// @ts-check
/** @import { HubEvent } from "../../notifications_hub/dist/client.js" */
import { HubClient, lineOfKind, PageWatch } from "../../notifications_hub/dist/client.js";
import { LabFigures } from "./lab-figures.js";
import { LabNetwork } from "./lab-network.js";

/** One kind of connection, measured. Dispatches `lab-changed` when its state changes or an event arrives. */
export class LabConnection extends EventTarget {
  figures = new LabFigures();
  #network = new LabNetwork(this.figures);
  #ending = new AbortController();
  #page = new PageWatch(this.#ending.signal);
  #client;
  #run;

  /**
   * @param {object} options
   * @param {string} options.kind
   * @param {URL} options.live
   * @param {string} options.topic
   * @param {string} options.run marks the events of this page on the topic
   */
  constructor({ kind, live, topic, run }) {
    super();
    this.kind = kind;
    this.#run = run;
    const [network, watch] = [this.#network, this.#page];
    this.#client = new HubClient({
      topics: [topic],
      line: (query) => lineOfKind({ live, kind, watch, query, network }),
    });
    this.#client.addEventListener("hub-event", (event) => this.#receive(/** @type {HubEvent} */ (event)));
    this.#client.addEventListener("hub-state", () => this.#changed());
  }

  get state() {
    return this.#client.state;
  }

  /** @param {string} cursor */
  start(cursor) {
    this.#client.start(cursor);
  }

  stop() {
    this.#client.stop();
    this.#ending.abort();
  }

  cut() {
    this.#network.cut();
  }

  /** Restore the network, and dispatch the event that a browser would. */
  mend() {
    this.#network.mend();
    this.#page.dispatchEvent(new Event("page-online"));
  }

  /** @param {HubEvent} event */
  #receive({ data }) {
    if (data.run !== this.#run) return;
    this.figures.arrived(data.n, performance.now());
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("lab-changed"));
  }
}
