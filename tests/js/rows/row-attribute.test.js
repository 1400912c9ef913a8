// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { attributeOf, mayBeFilled } from "../../../notifications_hub/static/notifications_hub/rows/row-attribute.js";
import { holds, textOf } from "../../../notifications_hub/static/notifications_hub/rows/row-item.js";

const BASE = "https://hub.example/posts/9/";
const item = {
  id: "7",
  name: "Tom & <b>Jerry</b>",
  url: "/posts/9/#reply-7",
  away: "https://elsewhere.example/x",
  none: null,
};

/**
 * @param {string} name
 * @param {string} pattern
 * @param {Record<string, unknown>} [more]
 */
const filled = (name, pattern, more = {}) => attributeOf(name, pattern, { ...item, ...more }, BASE);

test("a pattern is filled from the row's fields", () => {
  assert.equal(filled("id", "reply-{id}"), "reply-7");
  assert.equal(filled("title", "By {name}"), "By Tom & <b>Jerry</b>");
  assert.equal(filled("data-hue", "{none}{missing}"), "");
});

test("a URL encodes a field, unless it starts with it", () => {
  assert.equal(filled("href", "/people/{name}/"), "/people/Tom%20%26%20%3Cb%3EJerry%3C%2Fb%3E/");
  assert.equal(filled("href", "{url}"), "/posts/9/#reply-7");
  assert.equal(filled("action", "{url}?from={name}", { url: "/a/" }), "/a/?from=Tom%20%26%20%3Cb%3EJerry%3C%2Fb%3E");
});

for (const address of [
  "javascript:alert(1)",
  " JaVaScRiPt:alert(1)",
  "java\nscript:alert(1)",
  "data:text/html,x",
  "blob:x",
  "http://",
]) {
  test(`a link does not become ${JSON.stringify(address)}`, () => {
    assert.equal(filled("href", "{url}", { url: address }), null);
    assert.equal(filled("action", "{url}", { url: address }), null);
  });
}

test("a link may lead anywhere on the web, but loads and forms stay on this site", () => {
  assert.equal(filled("href", "{away}"), item.away);
  for (const name of ["src", "action", "formaction"]) assert.equal(filled(name, "{away}"), null);
  assert.equal(filled("src", "{away}", { away: "//elsewhere.example/x.png" }), null);
  assert.equal(filled("src", "{away}", { away: "\\\\elsewhere.example\\x.png" }), null);
});

test("a row cannot fill attributes that run, style or mark rows", () => {
  for (const name of ["onclick", "style", "srcdoc", "class", "is", "data-key", "data-field", "data-attr-href"]) {
    assert.equal(mayBeFilled(name), false, name);
    assert.equal(filled(name, "{name}"), null, name);
  }
});

test("a missing field is empty", () => {
  assert.equal(textOf(item, "constructor"), "");
  assert.equal(textOf(item, "none"), "");
  assert.equal(textOf({ id: "1", at: 0 }, "at"), "0");
});

test("a condition checks a field, its absence or its value", () => {
  const row = { id: "1", edited: true, author_id: 5, words: "a=b" };
  assert.deepEqual(
    ["edited", "!edited", "missing", "!missing"].map((asked) => holds(asked, row)),
    [true, false, false, true],
  );
  assert.deepEqual(
    ["author_id=5", "author_id=6", "!author_id=6", "words=a=b", "missing="].map((asked) => holds(asked, row)),
    [true, false, true, true, true],
  );
  assert.equal(holds("toString", row), false);
});
