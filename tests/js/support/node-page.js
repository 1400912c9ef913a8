// @ts-check
/**
 * A page without a browser: the hub's own client in Node. It prints what it applies, one line of JSON each.
 *
 * `node --experimental-websocket node-page.js '{"url": …, "cookie": …, "kind": "ws", "topics": […], "cursor": "…"}'`
 * runs until its input ends. It reconnects almost at once, so that a test may cut it a thousand times. The kind "best"
 * is the best that works, as on a page.
 */
import { HubClient } from "../../../notifications_hub/static/notifications_hub/client/hub-client.js";
import { lineOfKind, liveLine } from "../../../notifications_hub/static/notifications_hub/tabs/open-line.js";
import { FakePage } from "./fake-page.js";

const { url, cookie, kind, topics, cursor } = JSON.parse(process.argv[2] ?? "");
const { fetch, WebSocket } = globalThis;

/** The waits between tries are this part of the longest. */
Math.random = () => 0.0005;

/** @type {typeof fetch} */
const fetchAsPerson = (address, how = {}) => fetch(address, { ...how, headers: { ...how.headers, Cookie: cookie } });

class PersonsWebSocket extends WebSocket {
  /** @param {URL} address */
  constructor(address) {
    // Node's own sockets take headers, which a browser adds by itself.
    super(address, /** @type {any} */ ({ headers: { Cookie: cookie, Origin: new URL(url).origin } }));
    // Browsers close a socket whose handshake fails. Node 20 only reports the error.
    const closed = new AbortController();
    this.addEventListener("close", () => closed.abort(), { once: true });
    this.addEventListener("error", () => setTimeout(() => closed.signal.aborted || this.#fail()), { once: true });
  }

  #fail() {
    this.dispatchEvent(Object.assign(new Event("close"), { code: 1006, reason: "" }));
  }
}

/** @param {object} line */
function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const network = { fetch: fetchAsPerson, WebSocket: /** @type {any} */ (PersonsWebSocket) };
Object.assign(globalThis, network);
const [live, page] = [new URL("live/", url), new FakePage()];
const client = new HubClient({
  topics,
  line: (query) =>
    kind === "best"
      ? liveLine({ live, person: "", page, unshown: () => [], query })
      : lineOfKind({ live, kind, watch: page, query, network }),
});
client.addEventListener("hub-event", (event) => {
  const { topic, seq, data } = /** @type {any} */ (event);
  print({ topic, seq, data });
});
client.addEventListener("hub-reset", (event) => print({ reset: /** @type {any} */ (event).topics }));
client.addEventListener("hub-frame", () => print({ frame: true }));
client.addEventListener("hub-state", (event) => print({ state: /** @type {any} */ (event).state }));
client.start(cursor);
process.stdin.on("end", () => process.exit());
process.stdin.resume();
