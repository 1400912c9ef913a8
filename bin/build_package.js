#!/usr/bin/env node
// @ts-check
/**
 * Build the npm package into `client/dist`: two entry points that share their common modules, and their types.
 *
 * The sources are the pages' own. Their comments hold the types, so these are written once. `npm pack` runs this; the
 * result is not committed.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { ROOT, STATIC, styledElements, TARGET } from "./build_shared.js";

const PACKAGE = path.join(ROOT, "client");
const DIST = path.join(PACKAGE, "dist");

rmSync(DIST, { recursive: true, force: true });
const styles = await build({
  entryPoints: [path.join(STATIC, "notifications-hub.css")],
  bundle: true,
  minify: true,
  target: TARGET,
  write: false,
});
await build({
  absWorkingDir: ROOT,
  outdir: DIST,
  bundle: true,
  minify: true,
  splitting: true,
  format: "esm",
  target: TARGET,
  chunkNames: "shared-[hash]",
  entryPoints: [
    { in: path.join(STATIC, "package/index.js"), out: "index" },
    { in: "styled-elements", out: "elements" },
  ],
  // A server may import the elements too; there they are not defined.
  inject: [path.join(ROOT, "bin/server_globals.js")],
  plugins: [styledElements(styles.outputFiles[0]?.text ?? "")],
});
execFileSync(path.join(ROOT, "node_modules/.bin/tsc"), ["--project", PACKAGE], { stdio: "inherit" });
copyFileSync(path.join(ROOT, "LICENSE"), path.join(PACKAGE, "LICENSE"));
