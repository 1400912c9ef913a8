// @ts-check
/**
 * @import { HubStateEvent } from "../client/hub-events.js"
 * @import { Follow } from "./follow.js"
 */
import { HubClient } from "../client/hub-client.js";
import { PageWatch } from "../client/page-watch.js";
import { HubState } from "../protocol/hub-state.js";
import { liveLine } from "../tabs/open-line.js";
import { followEvents, poll } from "./follow.js";

/** @type {Set<string>} */
const OVER = new Set([HubState.REFUSED, HubState.SIGNED_OUT]);

/**
 * Follow the topic of public banners on a connection of the visitor's own. Without one, or if it is refused, the page
 * asks once a minute.
 *
 * @type {Follow}
 */
export function followPublic(host, follower, signal) {
  const prefix = host.getAttribute("live");
  if (!prefix) return poll(follower, signal);
  const page = new PageWatch(signal);
  const live = new URL(prefix, document.baseURI);
  const topics = [host.getAttribute("topic") ?? ""];
  const line = { live, person: "", page, unshown: () => [], toasts: false };
  const client = new HubClient({ topics, line: (query) => liveLine({ ...line, query }) });
  followEvents(client, follower, signal);
  client.addEventListener("hub-state", (event) => {
    if (OVER.has(/** @type {HubStateEvent} */ (event).state)) poll(follower, signal);
  });
  signal.addEventListener("abort", () => client.stop());
  client.start("");
}
