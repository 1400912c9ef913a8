// @ts-check
import { pageLanguage } from "../../notifications_hub/dist/client.js";

/** Shown before the first measurement. */
const NONE = "–";

/** @param {number | null} ms */
export function duration(ms) {
  if (ms === null) return NONE;
  return ms < 1_000 ? `${plain(ms)} ms` : `${plain(ms / 1_000, 1)} s`;
}

/** @param {number | null} bytes */
export function size(bytes) {
  if (bytes === null) return NONE;
  return bytes < 1_000 ? `${plain(bytes)} B` : `${plain(bytes / 1_000, 1)} kB`;
}

/**
 * @param {number} number
 * @param {number} [digits] after the point
 */
export function plain(number, digits = 0) {
  return number.toLocaleString(pageLanguage(), { maximumFractionDigits: digits });
}
