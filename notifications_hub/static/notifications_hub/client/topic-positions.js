// @ts-check

export const Verdict = Object.freeze({ NEXT: "next", OLD: "old", GAP: "gap" });

/** How far each topic has been applied, so that nothing is applied twice and no hole goes unnoticed. */
export class TopicPositions {
  /** @type {Map<string, number>} */
  #last = new Map();

  /**
   * Judges one event, and moves on when it is the next one. The first of a topic is taken as it comes: where the
   * cursor stood is the server's secret.
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
