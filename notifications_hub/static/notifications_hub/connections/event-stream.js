// @ts-check
/** @typedef {{event: string, data: string}} StreamEvent */

/** A parser of `text/event-stream` from pieces cut anywhere. It ignores ids and retry times. */
export class EventStream {
  #rest = "";
  #event = "";
  /** @type {string[]} */
  #data = [];

  /**
   * Return the events that this piece completes.
   *
   * @param {string} piece
   * @returns {StreamEvent[]}
   */
  read(piece) {
    // A CR at the end may be half of a CRLF.
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#take(line));
  }

  /** @param {string} line */
  #take(line) {
    if (line === "") return this.#finish();
    const [, field, value = ""] = line.match(/^([^:]*)(?:: ?(.*))?$/s) ?? [];
    if (field === "data") this.#data.push(value);
    if (field === "event") this.#event = value;
    return [];
  }

  #finish() {
    const event = { event: this.#event || "message", data: this.#data.join("\n") };
    const empty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    return empty ? [] : [event];
  }
}
