#!/usr/bin/env node
// @ts-check
/**
 * Build the scripts and styles that pages load, into `static/notifications_hub/dist`. `--check` only compares.
 *
 * Each part of a page is one script and one style sheet, complete in itself, so parts of two releases never mix. A name
 * carries the hash of its content. `manifest.json` maps `hub.js` to it; Python reads it. The scripts are classic ones,
 * because a module from another origin (a storage like S3) would need CORS. `client.js` and `elements.js` are the
 * exceptions: hosts import them, so they are modules with a fixed name.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { ROOT, STATIC, TARGET, withStyles } from "./build_shared.js";

const DIST = path.join(STATIC, "dist");
const SCRIPTS = {
  hub: "index.js",
  inbox: "elements/inbox-page-element-define.js",
  "local-times": "elements/local-times-element-define.js",
  "live-list": "elements/live-list-element-define.js",
  preferences: "elements/notification-preferences-element-define.js",
  "browser-choices": "elements/browser-choices-element-define.js",
  "quiet-hours": "elements/quiet-hours-element-define.js",
  follow: "elements/follow-button-element-define.js",
  "push-subscription": "elements/push-subscription-element-define.js",
  "task-progress": "elements/task-progress-element-define.js",
  "signed-out": "push/signed-out.js",
  "announcement-preview": "admin/announcement-preview-element-define.js",
  "kind-sample": "elements/kind-sample-element-define.js",
  gallery: "elements/gallery-state-element-define.js",
  "announcement-sending": "admin/announcement-sending-element-define.js",
  banners: "elements/announcement-banners-element-define.js",
  "public-banners": "elements/public-banners-define.js",
  "announcement-zone": "admin/announcement-zone.js",
  "announcement-form": "admin/announcement-form-define.js",
};
const STYLES = {
  hub: "notifications-hub.css",
  pages: "pages.css",
  "live-list": "live-list.css",
  "task-progress": "task-progress.css",
  kinds: "kinds.css",
  admin: "admin/admin.css",
  announcements: "admin/announcements.css",
  banners: "banners.css",
  follow: "follow.css",
};
const TYPES = '// The types of client.js, which is built from this module.\nexport * from "../client.js";\n';

/**
 * Return the name and content of every built file.
 *
 * @returns {Promise<Map<string, string>>}
 */
async function builtFiles() {
  // esbuild hashes paths too; relative to the repository they are the same in every clone.
  const where = { absWorkingDir: ROOT, outdir: DIST, write: false };
  const options = /** @type {const} */ ({ ...where, bundle: true, minify: true, target: TARGET });
  const hashed = { ...options, entryNames: "[name]-[hash]" };
  const results = await Promise.all([
    build({ ...hashed, entryPoints: inStatic(SCRIPTS), format: "iife" }),
    build({ ...hashed, entryPoints: inStatic(STYLES) }),
    build({ ...options, entryPoints: inStatic({ client: "client.js" }), format: "esm" }),
  ]);
  const styles = results[1].outputFiles?.find(({ path: file }) => path.basename(file).startsWith("hub-"))?.text ?? "";
  const elements = await build({ ...options, ...withStyles("elements", styles) });
  const files = new Map([["client.d.ts", TYPES]]);
  for (const { outputFiles = [] } of [...results, elements]) {
    for (const file of outputFiles) files.set(path.basename(file.path), file.text);
  }
  const names = [...files.keys()].sort().filter((name) => /-[0-9A-Z]{8}\./.test(name));
  const manifest = Object.fromEntries(names.map((name) => [name.replace(/-[0-9A-Z]{8}\./, "."), name]));
  return files.set("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * @param {Record<string, string>} entries
 * @returns {Record<string, string>} the same with absolute paths
 */
function inStatic(entries) {
  return Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, path.join(STATIC, file)]));
}

/** @param {Map<string, string>} files */
async function write(files) {
  await mkdir(DIST, { recursive: true });
  for (const name of readdirSync(DIST)) if (!files.has(name)) rmSync(path.join(DIST, name));
  for (const [name, text] of files) writeFileSync(path.join(DIST, name), text);
}

/**
 * @param {Map<string, string>} files
 * @returns {string[]} the names that differ from the files in `DIST`
 */
function stale(files) {
  const there = existsSync(DIST) ? readdirSync(DIST) : [];
  const wrong = [...files].filter(([name, text]) => !isSame(path.join(DIST, name), text)).map(([name]) => name);
  return [...wrong, ...there.filter((name) => !files.has(name))];
}

/**
 * @param {string} file
 * @param {string} text
 */
function isSame(file, text) {
  return existsSync(file) && readFileSync(file, "utf8") === text;
}

const files = await builtFiles();
if (!process.argv.includes("--check")) await write(files);
const names = stale(files);
if (names.length > 0) {
  console.error(`The built scripts and styles are stale; run \`make build\` and commit: ${names.join(", ")}`);
  process.exitCode = 1;
}
