// @ts-check
/**
 * @import { Line } from "../client/hub-client.js"
 * @import { HubStateName } from "../protocol/hub-state.js"
 */
import { LineStateEvent } from "../client/line-events.js";
import { backoff } from "../protocol/backoff.js";
import { HubState } from "../protocol/hub-state.js";
import { ApiError } from "../shared/api-error.js";

const FROM_LINE = ["line-frame", "line-state", "line-refused", "line-cursor-invalid", "line-shown", "line-unshown"];

/** A line whose address the page learns only when it opens. Until then it tries to learn it. */
export class LateLine extends EventTarget {
  #make;
  /** @type {Line | null} */
  #line = null;
  /** @type {HubStateName} */
  #state = HubState.IDLE;
  #tries = 0;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => Promise<Line>} make */
  constructor(make) {
    super();
    this.#make = make;
  }

  get state() {
    return this.#line?.state ?? this.#state;
  }

  get notifies() {
    return this.#line?.notifies ?? false;
  }

  open() {
    if (this.#line) return this.#line.open();
    this.#become(HubState.CONNECTING);
    this.#make().then(
      (line) => this.#made(line),
      (error) => this.#failed(error),
    );
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#line?.close();
    this.#become(HubState.IDLE);
  }

  resume() {
    this.#line?.resume();
  }

  /**
   * @param {string} cursor
   * @param {string[]} ids
   */
  displayed(cursor, ids) {
    this.#line?.displayed(cursor, ids);
  }

  /** @param {Line} line */
  #made(line) {
    if (this.#closed) return;
    this.#line = line;
    const pass = (/** @type {any} */ event) => this.dispatchEvent(event.copy());
    for (const type of FROM_LINE) line.addEventListener(type, pass);
    line.open();
  }

  /** @param {unknown} error */
  #failed(error) {
    if (this.#closed) return;
    if (error instanceof ApiError && error.signedOut) return this.#become(HubState.SIGNED_OUT);
    const wait = backoff(this.#tries++);
    this.#timer = setTimeout(() => this.open(), wait);
    this.#become(HubState.WAITING, Date.now() + wait);
  }

  /**
   * @param {HubStateName} state
   * @param {number} [retryAt]
   */
  #become(state, retryAt) {
    this.#state = state;
    if (!this.#line) this.dispatchEvent(new LineStateEvent(state, retryAt));
  }
}
