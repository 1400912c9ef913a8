// @ts-check

const KEY = "notifications-hub:connection";
/** One that has worked may fail this often in a row before another kind is tried: most likely the server is away. */
const TRUST = 3;
const FIRST_CLIMB = 60_000;
const LONGEST_CLIMB = 3_600_000;

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Memory */

/**
 * Which kind of connection to use: the best that works. A page load begins where the one before it stood, so that a
 * blocked kind is not tried on each; now and then a better one is, further apart each time it fails.
 */
export class Ladder {
  #names;
  #memory;
  #rung = 0;
  #trusted = false;
  #failures = 0;
  #climbAt = 0;
  #climbWait = FIRST_CLIMB;

  /**
   * @param {string[]} names the kinds, best first
   * @param {Memory | null} [memory] lasts from page to page
   */
  constructor(names, memory = null) {
    this.#names = names;
    this.#memory = memory;
    this.#recall();
  }

  /** Where to begin. */
  get rung() {
    return this.#rung;
  }

  /**
   * Where to go on after a kind failed; null to wait, and then begin again.
   *
   * @param {number} rung
   */
  failed(rung) {
    if (rung === this.#rung) this.#failures += 1;
    if (this.#trusted && this.#failures < TRUST) return null;
    return rung + 1 < this.#names.length ? rung + 1 : null;
  }

  /** @param {number} rung one that brought a frame */
  worked(rung) {
    if (rung < this.#rung) this.#climbWait = FIRST_CLIMB;
    if (rung !== this.#rung) this.#failures = 0;
    if (rung > this.#rung) this.#climbAt = Date.now() + this.#climbWait;
    this.#rung = rung;
    this.#trusted = true;
    this.#remember();
  }

  /** It lasted, so what fails next fails for the first time. */
  held() {
    this.#failures = 0;
  }

  /** Milliseconds until a better kind is worth a try; null on the best. */
  get climbIn() {
    return this.#rung === 0 ? null : Math.max(0, this.#climbAt - Date.now());
  }

  /** No better kind works yet. */
  climbFailed() {
    this.#climbWait = Math.min(LONGEST_CLIMB, this.#climbWait * 2);
    this.#climbAt = Date.now() + this.#climbWait;
    this.#remember();
  }

  #recall() {
    const { kind, climbAt, climbWait } = this.#read();
    const rung = this.#names.indexOf(kind);
    if (rung <= 0) return;
    this.#rung = rung;
    this.#trusted = true;
    this.#climbAt = Number(climbAt) || 0;
    this.#climbWait = Number(climbWait) || FIRST_CLIMB;
  }

  #read() {
    try {
      return JSON.parse(this.#memory?.getItem(KEY) ?? "") ?? {};
    } catch {
      return {};
    }
  }

  #remember() {
    const known = { kind: this.#names[this.#rung], climbAt: this.#climbAt, climbWait: this.#climbWait };
    try {
      this.#memory?.setItem(KEY, JSON.stringify(known));
    } catch {
      // A browser that keeps nothing tries again on the next page.
    }
  }
}
