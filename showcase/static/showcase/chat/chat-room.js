// @ts-check
/**
 * @import { HubEvent, HubRefusedEvent, HubResetEvent, HubStateEvent } from "../../notifications_hub/dist/client.js"
 * @import { Message } from "./chat-message.js"
 * @import { OutboxFailedEvent, OutboxSentEvent, Waiting } from "./chat-outbox.js"
 */

import { backoff, PageWatch, part, sessionMemory, setText } from "../../notifications_hub/dist/client.js";
import { ChatApi } from "./chat-api.js";
import { ChatComposer } from "./chat-composer.js";
import { ChatHistory } from "./chat-history.js";
import { ChatLine } from "./chat-line.js";
import { ChatOutbox } from "./chat-outbox.js";
import { ChatPresence } from "./chat-presence.js";
import { makeDismissable } from "./dismissable-details.js";
import { MentionToasts } from "./mention-toasts.js";
import { MessageList } from "./message-list.js";
import { OlderMessages } from "./older-messages.js";
import { PresenceView } from "./presence-view.js";
import { ReadMark } from "./read-mark.js";
import { RoomList } from "./room-list.js";

const LOOK_EVERY = 1_000;
const KIND = "chat:connection";

/** The behaviour of a `<chat-room>`: connects the log, the stream, the outbox and the list of people present. */
export class ChatRoom {
  #host;
  #api;
  #ending = new AbortController();
  #memory = sessionMemory();
  #page;
  #history;
  #list;
  #older;
  #presence;
  #view;
  #read;
  #mentions;
  #rooms;
  #composer;
  #outbox;
  #line;
  /** Messages of one frame, to be shown together. @type {Message[]} */
  #arrived = [];

  /** @param {HTMLElement} host */
  constructor(host) {
    this.#host = host;
    const { signal } = this.#ending;
    const log = part(host, "log");
    const urls = { messages: this.#text("messages"), read: this.#text("read"), here: this.#text("here") };
    const api = new ChatApi({ urls, csrf: this.#text("csrf") });
    this.#api = api;
    this.#page = new PageWatch(signal);
    this.#history = new ChatHistory({ oldest: Number(this.#text("oldest")), more: host.hasAttribute("older") });
    this.#list = new MessageList({ host, log, me: this.#me, timeZone: this.#text("time-zone") });
    this.#older = new OlderMessages({ api, history: this.#history, list: this.#list, log });
    this.#presence = new ChatPresence();
    this.#view = new PresenceView(host, this.#presence, this.#me.person);
    this.#read = new ReadMark({ api, list: this.#list, page: this.#page, through: Number(this.#text("read-through")) });
    this.#mentions = new MentionToasts({ list: this.#list, room: new URL(this.#text("room"), document.baseURI) });
    this.#rooms = new RoomList(host);
    this.#composer = new ChatComposer(/** @type {HTMLFormElement} */ (part(host, "form")), signal);
    this.#outbox = new ChatOutbox({
      send: (waiting) => api.send(waiting),
      memory: this.#memory,
      key: this.#outboxKey,
      pause: backoff,
    });
    this.#line = new ChatLine({
      live: new URL(this.#text("live"), document.baseURI),
      topics: this.#text("topics").split(" "),
      cursor: this.#text("cursor"),
    });
  }

  open() {
    this.#listen();
    this.#kind.value = this.#memory?.getItem(KIND) ?? "";
    part(this.#host, "bar").hidden = false;
    this.#resend();
    if (location.hash) this.#older.find();
    else this.#list.toEnd();
    this.#older.watch(this.#ending.signal);
    this.#presence.replace(this.#view.rendered());
    this.#line.use(this.#kind.value);
    this.#read.check();
  }

  close() {
    this.#line.stop();
    this.#outbox.stop();
    this.#ending.abort();
  }

  #listen() {
    const { signal } = this.#ending;
    const line = this.#line;
    line.addEventListener("hub-event", (event) => this.#handle(/** @type {HubEvent} */ (event)));
    line.addEventListener("hub-reset", (event) => this.#reset(/** @type {HubResetEvent} */ (event)));
    line.addEventListener("hub-refused", (event) => this.#refused(/** @type {HubRefusedEvent} */ (event)));
    line.addEventListener("hub-state", (event) => this.#renderState(/** @type {HubStateEvent} */ (event)));
    this.#composer.addEventListener("composer-send", (event) => this.#send(/** @type {MessageEvent} */ (event).data));
    this.#composer.addEventListener("composer-typing", () => this.#api.typing());
    this.#outbox.addEventListener("outbox-sent", (event) =>
      this.#show([/** @type {OutboxSentEvent} */ (event).message]),
    );
    this.#outbox.addEventListener("outbox-failed", (event) => this.#failed(/** @type {OutboxFailedEvent} */ (event)));
    this.#page.addEventListener("page-online", () => this.#outbox.flush());
    for (const type of ["page-visible", "page-focus"]) this.#page.addEventListener(type, () => this.#read.check());
    document.addEventListener("toast-due", (event) => this.#mentions.offered(/** @type {any} */ (event)), { signal });
    part(this.#host, "log").addEventListener("scroll", () => this.#scrolled(), { signal });
    part(this.#host, "news").addEventListener("click", () => this.#list.toEnd(), { signal });
    this.#kind.addEventListener("change", () => this.#switch(), { signal });
    makeDismissable(/** @type {HTMLDetailsElement} */ (part(this.#host, "members")), signal);
    const timer = setInterval(() => this.#view.render(), LOOK_EVERY);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  // Events from the hub

  /** @param {HubEvent} event */
  #handle({ topic, kind, data }) {
    if (topic === this.#text("presence-topic")) this.#handlePresence(kind, data);
    else if (topic !== this.#topic) return this.#handleOtherTopic(topic, kind, data);
    if (topic === this.#topic && kind === "message.created") this.#collect(data);
    if (topic === this.#topic && kind === "member.left") this.#presence.left(data.person);
    this.#view.render();
  }

  /**
   * @param {string} kind
   * @param {any} face
   */
  #handlePresence(kind, face) {
    if (kind === "person.joined") this.#presence.joined(face);
    if (kind === "person.left") this.#presence.left(face.person);
    if (kind === "person.typing") this.#presence.typed(face, Date.now());
  }

  /**
   * @param {string} topic
   * @param {string} kind
   * @param {any} data
   */
  #handleOtherTopic(topic, kind, data) {
    if (kind === "message.created" && data.person !== this.#me.person) this.#rooms.wrote(topic);
    if (kind === "room.read") this.#rooms.read(data.room);
  }

  /** @param {Message} message */
  #collect(message) {
    this.#presence.wrote(message.person);
    if (message.person === this.#me.person) this.#outbox.arrived(message.client_id);
    if (this.#arrived.push(message) > 1) return;
    queueMicrotask(() => this.#show(this.#arrived.splice(0).flatMap((one) => this.#history.arrived(one))));
  }

  /** @param {Message[]} messages */
  #show(messages) {
    const { atEnd } = this.#list;
    const others = messages.filter(({ person }) => person !== this.#me.person);
    if (this.#list.show(messages) > 0 && others.length > 0 && !atEnd) part(this.#host, "news").hidden = false;
    this.#mentions.check();
    this.#read.check();
  }

  /** @param {HubResetEvent} event */
  #reset({ topics }) {
    if (topics.includes(this.#topic)) this.#older.reload();
    if (topics.includes(this.#text("presence-topic"))) this.#reloadPresence();
  }

  async #reloadPresence() {
    const faces = await this.#api.here();
    if (faces) this.#presence.replace(faces);
    this.#view.render();
  }

  /** @param {HubRefusedEvent} event */
  #refused({ topic }) {
    if (topic !== this.#topic) return this.#rooms.left(topic);
    this.#composer.close();
    this.close();
    part(this.#host, "closed").hidden = false;
  }

  /** @param {HubStateEvent} event */
  #renderState({ state }) {
    const shown = part(this.#host, "state");
    shown.dataset.state = state;
    setText(shown, shown.getAttribute(`data-${state}`) ?? "");
  }

  // Actions of the reader

  /** @param {string} body */
  #send(body) {
    this.#list.expect(this.#mine(this.#outbox.add(body)));
  }

  /** Send the messages again that a reload interrupted. */
  #resend() {
    for (const waiting of this.#outbox.waiting) {
      if (this.#list.has(waiting.client_id)) this.#outbox.arrived(waiting.client_id);
      else this.#list.expect(this.#mine(waiting));
    }
    this.#outbox.flush();
  }

  /** @param {OutboxFailedEvent} event */
  #failed({ waiting, detail }) {
    const retry = () => {
      this.#list.expect(this.#mine(waiting));
      this.#outbox.put(waiting);
    };
    this.#list.fail(waiting.client_id, detail, retry);
  }

  #scrolled() {
    if (!this.#list.atEnd) return;
    part(this.#host, "news").hidden = true;
    this.#read.check();
  }

  #switch() {
    this.#memory?.setItem(KIND, this.#kind.value);
    this.#line.use(this.#kind.value);
  }

  // Attributes and parts

  /**
   * @param {Waiting} waiting
   * @returns {Message}
   */
  #mine({ client_id, body, at }) {
    const { person, name, hue } = this.#me;
    return { id: 0, person, name, hue, body, mentions: [], at, client_id };
  }

  get #me() {
    const [person, hue] = [Number(this.#text("person")), Number(this.#text("hue"))];
    return { person, hue, name: this.#text("name"), username: this.#text("username").toLowerCase() };
  }

  get #topic() {
    return this.#text("topic");
  }

  get #kind() {
    return /** @type {HTMLSelectElement} */ (part(this.#host, "connection"));
  }

  get #outboxKey() {
    return `chat:outbox:${this.#me.person}:${this.#topic}`;
  }

  /** @param {string} name */
  #text(name) {
    return this.#host.getAttribute(name) ?? "";
  }
}
