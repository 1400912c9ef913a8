// @ts-check

/** As long as a server lets a poll wait, in seconds. */
const LONGEST_WAIT = 25;
/** Shorter than this is not worth holding a request for. */
const SHORTEST_WAIT = 2;
const BETWEEN_NEWS = 200;
const SEEN = 3_500;
const HIDDEN = 20_000;

/**
 * How long each poll waits at the server, and then this side until the next.
 *
 * A server that holds requests gets the next one at once. One that answers at once, as under WSGI, is asked every few
 * seconds. Where a proxy cuts what takes too long for it, requests become shorter than that.
 */
export class PollPace {
  /** The first is answered at once: it shows that polling works, and where we stand. */
  wait = 0;
  #longest;
  #first = true;

  /** @param {number} [longest] seconds a poll may wait; 0 for none ever */
  constructor(longest = LONGEST_WAIT) {
    this.#longest = longest;
  }

  /**
   * @param {object} answer
   * @param {number} answer.elapsed milliseconds it took
   * @param {boolean} answer.news
   * @param {boolean} answer.more the catch-up goes on
   * @param {boolean} answer.visible somebody is looking
   * @returns {number} milliseconds until the next
   */
  answered({ elapsed, news, more, visible }) {
    const atOnce = more || this.#first || (this.wait > 0 && elapsed > this.wait * 500);
    this.#first = more;
    this.wait = more ? 0 : this.#longest;
    if (atOnce) return 0;
    if (news) return BETWEEN_NEWS;
    return visible ? SEEN : HIDDEN;
  }

  /**
   * Says whether to go on: one that was waiting may have been cut for its length, any other just failed.
   *
   * @param {number} elapsed milliseconds
   */
  failed(elapsed) {
    if (this.wait === 0) return false;
    const held = Math.floor(elapsed / 2_000);
    this.#longest = held < SHORTEST_WAIT ? 0 : Math.min(held, this.wait);
    this.wait = 0;
    return true;
  }
}
