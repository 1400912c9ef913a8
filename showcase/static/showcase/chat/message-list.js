// @ts-check
/** @import { Message } from "./chat-message.js" */
import { copyOf, pageLanguage, part, setText } from "../../notifications_hub/dist/client.js";
import { DayDividers, isMessage } from "./day-dividers.js";
import { initialOf } from "./initial-of.js";

/** Messages of one person within this time are grouped, in milliseconds. */
const GROUPED_WITHIN = 5 * 60_000;
/** The page's own format. @type {Intl.DateTimeFormatOptions} */
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
/** Within this distance of the end, in pixels, the reader follows new messages. */
const NEAR = 80;

/**
 * The log of the room: one row per message, ordered by id, and the unsent messages below. Adding a message twice shows it
 * once.
 */
export class MessageList {
  #host;
  #log;
  #list;
  #me;
  #timeZone;
  #days;

  /**
   * @param {object} options
   * @param {Element} options.host has the templates
   * @param {HTMLElement} options.log the scrolling element
   * @param {{person: number, username: string}} options.me
   * @param {string} options.timeZone
   */
  constructor({ host, log, me, timeZone }) {
    this.#host = host;
    this.#log = log;
    this.#list = part(log, "list");
    this.#me = me;
    this.#timeZone = timeZone;
    this.#days = new DayDividers({ host, list: this.#list, timeZone });
    for (const row of this.#sent) this.#days.divide(row);
  }

  get newest() {
    return Number(this.#sent.at(-1)?.dataset.id ?? 0);
  }

  /** Whether the reader is at the end. */
  get atEnd() {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR;
  }

  /** @param {number} id of a message that may not be in the list */
  isInSight(id) {
    const row = document.getElementById(rowId(id))?.getBoundingClientRect();
    const log = this.#log.getBoundingClientRect();
    const [top, bottom] = [Math.max(log.top, 0), Math.min(log.bottom, window.innerHeight)];
    return row !== undefined && document.visibilityState === "visible" && row.top < bottom && row.bottom > top;
  }

  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** @param {string} clientId of one of this person's messages */
  has(clientId) {
    return this.#sent.some(({ dataset }) => dataset.client === clientId && Number(dataset.person) === this.#me.person);
  }

  /**
   * Show messages without moving the rows in view; at the end, scroll to the new ones. Return the number of new messages.
   *
   * @param {Message[]} messages
   */
  show(messages) {
    const { atEnd } = this;
    const [anchor] = this.#sent;
    const before = anchor?.offsetTop ?? 0;
    const fresh = messages.filter((message) => this.#put(message)).length;
    this.#days.tidy();
    if (atEnd) this.toEnd();
    else if (anchor) this.#log.scrollTop += anchor.offsetTop - before;
    return fresh;
  }

  /**
   * @param {Message} message
   * @returns {boolean} whether it is new
   */
  #put(message) {
    if (document.getElementById(rowId(message.id))) return false;
    const waiting = message.person === this.#me.person ? this.#waiting(message.client_id) : undefined;
    const row = this.#fill(waiting ?? copyOf(this.#host, "message"), message);
    row.id = rowId(message.id);
    row.dataset.id = String(message.id);
    delete row.dataset.state;
    this.#place(row);
    return true;
  }

  /**
   * Show an own message before the server has it.
   *
   * @param {Message} message
   */
  expect(message) {
    const row = this.#waiting(message.client_id) ?? this.#fill(copyOf(this.#host, "message"), message);
    row.dataset.state = "sending";
    this.#list.append(row);
    this.#join(row);
    this.toEnd();
  }

  /**
   * Mark a message as refused. Its author may try again or discard it.
   *
   * @param {string} clientId
   * @param {string} detail
   * @param {() => void} again
   */
  fail(clientId, detail, again) {
    const row = this.#waiting(clientId);
    if (!row) return;
    row.dataset.state = "failed";
    setText(part(row, "detail"), detail);
    part(row, "again").onclick = again;
    part(row, "discard").onclick = () => {
      row.remove();
      this.#days.tidy();
    };
  }

  /** Remove older messages: there is a gap between them and the rest. @param {number} id */
  forgetBefore(id) {
    for (const row of this.#sent) if (Number(row.dataset.id) < id) row.remove();
    this.#days.tidy();
    for (const row of this.#sent.slice(0, 1)) this.#days.divide(row);
  }

  /** @returns {HTMLElement[]} */
  get #sent() {
    return /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll("[data-id]")]);
  }

  /** @param {string} clientId */
  #waiting(clientId) {
    const rows = /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll("[data-state]")]);
    return rows.find((row) => row.dataset.client === clientId);
  }

  /**
   * @param {HTMLElement} row
   * @param {Message} message
   */
  #fill(row, { person, name, hue, body, at, client_id, mentions }) {
    Object.assign(row.dataset, { person: String(person), client: client_id, at });
    row.classList.toggle("is-mention", mentions.includes(this.#me.username));
    const avatar = /** @type {HTMLElement} */ (row.querySelector(".avatar"));
    avatar.className = `avatar hue-${hue}`;
    setText(avatar, initialOf(name));
    setText(part(row, "name"), name);
    setText(part(row, "body"), body);
    this.#date(/** @type {HTMLTimeElement} */ (part(row, "time")), at);
    return row;
  }

  /**
   * @param {HTMLTimeElement} time
   * @param {string} at
   */
  #date(time, at) {
    const timeZone = this.#timeZone || undefined;
    const moment = new Date(at);
    time.dateTime = at;
    time.title = moment.toLocaleString(pageLanguage(), { dateStyle: "long", timeStyle: "short", timeZone });
    setText(time, moment.toLocaleTimeString(pageLanguage(), { ...CLOCK, timeZone }));
  }

  /** @param {HTMLElement} row */
  #place(row) {
    const id = Number(row.dataset.id);
    const after = this.#sent.findLast((other) => other !== row && Number(other.dataset.id) < id);
    if (after) after.after(row);
    else this.#list.prepend(row);
    this.#join(row);
  }

  /** @param {HTMLElement} row */
  #join(row) {
    for (const one of [row, below(row)]) {
      if (!one) continue;
      this.#days.divide(one);
      one.classList.toggle("is-continued", continues(one.previousElementSibling, one));
    }
  }
}

/** @param {number} id */
function rowId(id) {
  return `message-${id}`;
}

/**
 * @param {Element} row
 * @returns {HTMLElement | null} the message after it
 */
function below(row) {
  let next = row.nextElementSibling;
  while (next && !isMessage(next)) next = next.nextElementSibling;
  return /** @type {HTMLElement | null} */ (next);
}

/**
 * @param {Element | null} last
 * @param {HTMLElement} row
 */
function continues(last, row) {
  if (!(last instanceof HTMLElement) || !row.dataset.at || last.dataset.person !== row.dataset.person) return false;
  return Date.parse(row.dataset.at) - Date.parse(last.dataset.at ?? "") < GROUPED_WITHIN;
}
