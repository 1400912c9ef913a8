// @ts-check

const KEY = "notifications-hub:connection";
/** Failures in a row after which a kind that has worked is given up. Fewer mean that the server is probably down. */
const TRUST = 3;
const FIRST_UPGRADE = 60_000;
const LONGEST_UPGRADE = 3_600_000;

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Memory */

/**
 * The choice of the best kind of connection that works. A page load starts with the kind that worked on the previous
 * page, so that a blocked kind is not tried on every page. Now and then a better kind is tried, less often after each
 * failure.
 */
export class Fallback {
  #names;
  #memory;
  #level = 0;
  #trusted = false;
  #failures = 0;
  #upgradeAt = 0;
  #upgradeWait = FIRST_UPGRADE;

  /**
   * @param {string[]} names the kinds, best first
   * @param {Memory | null} [memory] kept from page to page
   */
  constructor(names, memory = null) {
    this.#names = names;
    this.#memory = memory;
    this.#recall();
  }

  /** The index of the kind to start with. */
  get level() {
    return this.#level;
  }

  /**
   * Return the kind to try after one failed, or null to wait and start again.
   *
   * @param {number} level
   */
  failed(level) {
    if (level === this.#level) this.#failures += 1;
    if (this.#trusted && this.#failures < TRUST) return null;
    return level + 1 < this.#names.length ? level + 1 : null;
  }

  /** @param {number} level a kind that received a frame */
  worked(level) {
    if (level < this.#level) this.#upgradeWait = FIRST_UPGRADE;
    if (level !== this.#level) this.#failures = 0;
    if (level > this.#level) this.#upgradeAt = Date.now() + this.#upgradeWait;
    this.#level = level;
    this.#trusted = true;
    this.#remember();
  }

  /** Reset the count of failures: the connection lasted. */
  lasted() {
    this.#failures = 0;
  }

  /** Milliseconds until a better kind is tried; null for the best kind. */
  get upgradeIn() {
    return this.#level === 0 ? null : Math.max(0, this.#upgradeAt - Date.now());
  }

  /** Wait longer before the next try: no better kind works yet. */
  upgradeFailed() {
    this.#upgradeWait = Math.min(LONGEST_UPGRADE, this.#upgradeWait * 2);
    this.#upgradeAt = Date.now() + this.#upgradeWait;
    this.#remember();
  }

  #recall() {
    const { kind, upgradeAt, upgradeWait } = this.#read();
    const level = this.#names.indexOf(kind);
    if (level <= 0) return;
    this.#level = level;
    this.#trusted = true;
    this.#upgradeAt = Number(upgradeAt) || 0;
    this.#upgradeWait = Number(upgradeWait) || FIRST_UPGRADE;
  }

  #read() {
    try {
      return JSON.parse(this.#memory?.getItem(KEY) ?? "") ?? {};
    } catch {
      return {};
    }
  }

  #remember() {
    const known = { kind: this.#names[this.#level], upgradeAt: this.#upgradeAt, upgradeWait: this.#upgradeWait };
    try {
      this.#memory?.setItem(KEY, JSON.stringify(known));
    } catch {
      // Without storage the next page starts with the best kind again.
    }
  }
}
