// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  avatarOf,
  badgeOf,
  linkOf,
  outsideOf,
  wordsOf,
} from "../../../notifications_hub/static/notifications_hub/inbox/item-view.js";
import { anItem } from "../support/items.js";

const PAGE = "https://host.example/posts/";
const TRANSLATIONS = { "zh-hans": { title: "维护", body: "今晚" }, de: { title: "Wartung", body: "Heute" } };

test("an announcement is shown in the page's language", () => {
  const item = anItem("a5", { title: "Maintenance", translations: TRANSLATIONS });
  assert.equal(wordsOf(item, "zh-Hans").title, "维护");
  assert.equal(wordsOf(item, "de-AT").title, "Wartung");
  assert.equal(wordsOf(item, "fr").title, "Maintenance");
});

test("a picture is of this site or at https", () => {
  for (const avatar of ["/media/bob.png", "https://cdn.example/bob.png"]) {
    assert.equal(avatarOf(anItem("1", { avatar }), PAGE), avatar);
  }
  for (const avatar of [
    "",
    undefined,
    "javascript:alert(1)",
    "http://evil.example/",
    "data:image/png;base64,AA",
    "//[",
  ]) {
    assert.equal(avatarOf(anItem("1", { avatar }), PAGE), "");
  }
});

test("a link leads to a page of this site or is empty", () => {
  assert.equal(linkOf(anItem("1", { url: "/posts/9/#c1" }), PAGE), "/posts/9/#c1");
  for (const url of [
    "",
    "javascript:alert(1)",
    "//evil.example/",
    "/\\evil.example",
    "https://evil.example/",
    "http://[",
    " data:,x",
  ]) {
    assert.equal(linkOf(anItem("1", { url }), PAGE), "");
  }
});

test("an announcement may lead to another site, over https and without a name before the host", () => {
  const to = (/** @type {any} */ link, kind = "announcement") => outsideOf(anItem("a5", { kind, leads_to: link }));
  assert.deepEqual(to("https://other.example/a?b#c"), { href: "https://other.example/a?b#c", host: "other.example" });
  assert.deepEqual(to("https://other.example:8443/")?.host, "other.example:8443");
  assert.equal(to("https://other.example/", "comment.reply"), null);
  for (const link of [
    undefined,
    "",
    5,
    "/posts/9/",
    "//evil.example/",
    "http://evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "https:evil.example",
    " https://evil.example/",
    "https://eve@evil.example/",
    "https://eve:x@evil.example/",
    "https://[",
  ]) {
    assert.equal(to(link), null);
  }
});

test("a badge has at most two digits", () => {
  assert.deepEqual([1, 99, 100, 12_345].map(badgeOf), ["1", "99", "99+", "99+"]);
});
