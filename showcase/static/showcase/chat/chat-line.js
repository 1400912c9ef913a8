// @ts-check
/**
 * @import { HubFrameEvent, Line, Query } from "../../notifications_hub/dist/client.js"
 */
import { HubClient, lineOfKind, liveLine, PageWatch } from "../../notifications_hub/dist/client.js";

const RELAYED = ["hub-event", "hub-reset", "hub-refused", "hub-state"];

/**
 * Receives the page's events over the kind of connection that the reader chose. To change the kind, a new client resumes
 * from the cursor of the old one. Dispatches the events of a `HubClient`.
 */
export class ChatLine extends EventTarget {
  #live;
  #topics;
  #cursor;
  /** @type {HubClient | null} */
  #client = null;
  #using = new AbortController();

  /**
   * @param {object} options
   * @param {URL} options.live
   * @param {string[]} options.topics
   * @param {string} options.cursor
   */
  constructor({ live, topics, cursor }) {
    super();
    this.#live = live;
    this.#topics = new Set(topics);
    this.#cursor = cursor;
  }

  /** @param {string} kind of connection; "" for the best kind that works */
  use(kind) {
    this.stop();
    this.#using = new AbortController();
    const client = new HubClient({ topics: this.#topics, line: (query) => this.#line(kind, query) });
    client.addEventListener("hub-frame", (event) => {
      this.#cursor = /** @type {HubFrameEvent} */ (event).cursor;
    });
    for (const type of RELAYED) client.addEventListener(type, (event) => this.#relay(client, event));
    this.#client = client;
    client.start(this.#cursor);
  }

  stop() {
    const client = this.#client;
    this.#client = null;
    client?.stop();
    this.#using.abort();
  }

  /**
   * Return a line of this page alone, because its reader may choose another kind than the bell's.
   *
   * @param {string} kind
   * @param {() => Query} query
   * @returns {Line}
   */
  #line(kind, query) {
    const live = this.#live;
    const page = new PageWatch(this.#using.signal);
    if (kind) return lineOfKind({ live, kind, watch: page, query });
    return liveLine({ live, person: "", page, unshown: () => [], query });
  }

  /**
   * @param {HubClient} client
   * @param {any} event
   */
  #relay(client, event) {
    if (client !== this.#client) return;
    if (event.type === "hub-refused") this.#topics.delete(event.topic);
    this.dispatchEvent(event.copy());
  }
}
