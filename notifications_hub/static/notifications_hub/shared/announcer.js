// @ts-check
import { AnnouncementQueue } from "./announcement-queue.js";

const REGION = "[data-announcer]";
/** A screen reader must know a region before it is filled, or it skips the first text (ms). */
const READY_AFTER = 250;
/** Set by script, so that a region also works on pages without the hub's style sheets. */
const HIDDEN = { position: "absolute", overflow: "hidden", width: "1px", height: "1px", clipPath: "inset(50%)" };

/** When a region was first seen. On the element, because each script file of a page has its own copy of this module. */
const SEEN_AT = Symbol.for("notifications-hub.seen-at");
const queue = new AnnouncementQueue({ readyIn, show });

/**
 * Have screen readers read a text, once, in the page's one live region. Texts are kept in order and none is dropped.
 *
 * @param {string} text
 * @param {{urgent?: boolean}} [how] an urgent text interrupts what is being read
 */
export function announce(text, { urgent = false } = {}) {
  if (text) queue.add(text, urgent);
}

/** Return the milliseconds until the page's region can be filled. */
function readyIn() {
  return Math.max(0, region()[SEEN_AT] + READY_AFTER - Date.now());
}

/**
 * Append the text as a child of its own, so that a repeated text is news too. Return a function that removes it.
 *
 * @param {string} text
 * @param {boolean} urgent
 */
function show(text, urgent) {
  const line = document.createElement("div");
  line.dir = "auto";
  line.textContent = text;
  region()
    .querySelector(`[aria-live=${urgent ? "assertive" : "polite"}]`)
    ?.append(line);
  return () => line.remove();
}

/**
 * Return the region that assistive technology can see now. It is looked up each time, because pages swap their body.
 *
 * @returns {any} an element; TypeScript knows no symbols on it
 */
function region() {
  const home = openDialog() ?? document.body;
  const found = [...home.querySelectorAll(REGION)].find(isExposed) ?? newRegion(home);
  if (!(SEEN_AT in found)) adopt(found);
  return found;
}

/** Return the modal dialog on top: everything outside it is inert, and so is a live region there. */
function openDialog() {
  return document.activeElement?.closest("dialog:modal") ?? [...document.querySelectorAll("dialog:modal")].at(-1);
}

/** @param {Element} element */
function isExposed(element) {
  return element.checkVisibility() && !element.closest("[inert], [aria-hidden=true]");
}

/** @param {Element} home */
function newRegion(home) {
  const created = document.createElement("div");
  created.dataset.announcer = "";
  for (const live of ["polite", "assertive"]) {
    const log = document.createElement("div");
    for (const [name, value] of Object.entries({ role: "log", "aria-live": live, "aria-relevant": "additions" })) {
      log.setAttribute(name, value);
    }
    created.append(log);
  }
  home.append(created);
  return created;
}

/**
 * Prepare a region seen for the first time: server-rendered, created here, or brought by a body swap. A page from a
 * cache may bring texts that were read long ago.
 *
 * @param {any} found
 */
function adopt(found) {
  found[SEEN_AT] = Date.now();
  Object.assign(found.style, HIDDEN);
  for (const log of found.children) log.replaceChildren();
}
