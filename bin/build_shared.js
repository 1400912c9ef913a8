// @ts-check
/** What the builds of the pages' files and of the npm package share. */
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const STATIC = path.join(ROOT, "notifications_hub/static/notifications_hub");
/** The browsers that have `popover`, which every part needs. */
export const TARGET = ["chrome123", "firefox125", "safari17.5"];

/**
 * Return esbuild's options for the elements with their styles: one script tag brings all.
 *
 * @param {string} name of the built file
 * @param {string} css
 */
export function withStyles(name, css) {
  return {
    format: /** @type {const} */ ("esm"),
    entryPoints: [{ in: "styled-elements", out: name }],
    plugins: [styledElements(css)],
  };
}

/**
 * @param {string} css
 * @returns {import("esbuild").Plugin} resolves the entry "styled-elements"
 */
export function styledElements(css) {
  const contents = [
    'import { adoptStyles } from "./package/adopt-styles.js";',
    'export * from "./package/elements.js";',
    `adoptStyles(${JSON.stringify(css.trim())});`,
  ].join("\n");
  return {
    name: "styled-elements",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^styled-elements$/ }, () => ({ path: "styled-elements", namespace: "styled" }));
      onLoad({ filter: /.*/, namespace: "styled" }, () => ({ contents, resolveDir: STATIC }));
    },
  };
}
