// @ts-check

const KEY = "notifications-hub:connection";
/** One that has worked may fail this often in a row before another kind is tried: most likely the server is away. */
const TRUST = 3;
const FIRST_UPGRADE = 60_000;
const LONGEST_UPGRADE = 3_600_000;

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Memory */

/**
 * Which kind of connection to use: the best that works. A page load begins where the one before it stood, so that a
 * blocked kind is not tried on each; now and then a better one is, further apart each time it fails.
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
   * @param {Memory | null} [memory] lasts from page to page
   */
  constructor(names, memory = null) {
    this.#names = names;
    this.#memory = memory;
    this.#recall();
  }

  /** Where to begin. */
  get level() {
    return this.#level;
  }

  /**
   * Where to go on after a kind failed; null to wait, and then begin again.
   *
   * @param {number} level
   */
  failed(level) {
    if (level === this.#level) this.#failures += 1;
    if (this.#trusted && this.#failures < TRUST) return null;
    return level + 1 < this.#names.length ? level + 1 : null;
  }

  /** @param {number} level one that brought a frame */
  worked(level) {
    if (level < this.#level) this.#upgradeWait = FIRST_UPGRADE;
    if (level !== this.#level) this.#failures = 0;
    if (level > this.#level) this.#upgradeAt = Date.now() + this.#upgradeWait;
    this.#level = level;
    this.#trusted = true;
    this.#remember();
  }

  /** It lasted, so what fails next fails for the first time. */
  held() {
    this.#failures = 0;
  }

  /** Milliseconds until a better kind is worth a try; null on the best. */
  get upgradeIn() {
    return this.#level === 0 ? null : Math.max(0, this.#upgradeAt - Date.now());
  }

  /** No better kind works yet. */
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
      // A browser that keeps nothing tries again on the next page.
    }
  }
}
