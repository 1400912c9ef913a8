// @ts-check

/** The longest wait that servers allow, in seconds. */
const LONGEST_WAIT = 25;
/** A shorter wait, in seconds, is not worth holding a request for. */
const SHORTEST_WAIT = 2;
const BETWEEN_NEWS = 200;
const SEEN = 3_500;
const HIDDEN = 20_000;

/**
 * The pace of polling: how long each poll waits at the server, and how long the client pauses before the next.
 *
 * A server that holds requests gets the next one at once. A server that answers at once, as under WSGI, is polled every
 * few seconds. If a proxy cuts long requests, polls become shorter than its limit.
 */
export class PollPace {
  /** Seconds. The first poll is answered at once: it shows that polling works and returns the cursor. */
  wait = 0;
  #longest;
  #first = true;

  /** @param {number} [longest] seconds a poll may wait; 0 never waits */
  constructor(longest = LONGEST_WAIT) {
    this.#longest = longest;
  }

  /**
   * @param {object} answer
   * @param {number} answer.elapsed duration in milliseconds
   * @param {boolean} answer.news
   * @param {boolean} answer.more the catch-up goes on
   * @param {boolean} answer.visible the page is visible
   * @returns {number} milliseconds until the next poll
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
   * Return whether to go on. A poll that was waiting may have been cut for its length; any other poll just failed.
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
