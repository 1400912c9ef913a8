// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isShownOn, pathBelow } from "../../../notifications_hub/static/notifications_hub/banners/banner-paths.js";
import { dismissedIn } from "../../../notifications_hub/static/notifications_hub/banners/dismissed-cookie.js";

// The server's own test reads the same table.
const CASES = JSON.parse(readFileSync(new URL("../../payloads/banner_paths.json", import.meta.url), "utf8"));

test("a page shows the banners whose paths it is on", () => {
  for (const { paths, path, shown } of CASES) assert.equal(isShownOn(paths, path), shown, `${paths} on ${path}`);
});

test("paths begin after the site's prefix, and are not percent-encoded", () => {
  assert.equal(pathBelow("/shop/tea%20cups", "/"), "/shop/tea cups");
  assert.equal(pathBelow("/hub/shop/", "/hub/"), "/shop/");
  assert.equal(pathBelow("/hubs/shop/", "/hub/"), "/hubs/shop/");
  assert.equal(pathBelow("/50%/", "/"), "/50%/");
});

test("a visitor's cookie lists what they dismissed", () => {
  assert.deepEqual(dismissedIn("hub_banners", "a=1; hub_banners=5.12; b=2"), ["a5", "a12"]);
  assert.deepEqual(dismissedIn("hub_banners", "hub_banners=5.<b>.x7"), ["a5"]);
  assert.deepEqual(dismissedIn("hub_banners", "hub_banners_x=5"), []);
});
