// @ts-check

/** The result of judging an event. */
export const Verdict = Object.freeze({ NEXT: "next", OLD: "old", GAP: "gap" });

/** The last number applied of each topic, so that no event is applied twice and no gap goes unnoticed. */
export class TopicPositions {
  /** @type {Map<string, number>} */
  #last = new Map();

  /**
   * Judge one event, and advance if it is the next one. The first event of a topic is always accepted, because the
   * cursor is opaque.
   *
   * @param {string} topic
   * @param {number | null} seq null for an event that is not logged, which is always new
   */
  judge(topic, seq) {
    if (seq === null) return Verdict.NEXT;
    const last = this.#last.get(topic);
    if (last !== undefined && seq <= last) return Verdict.OLD;
    if (last !== undefined && seq > last + 1) return Verdict.GAP;
    this.#last.set(topic, seq);
    return Verdict.NEXT;
  }

  /** @param {string} topic */
  forget(topic) {
    this.#last.delete(topic);
  }
}
