// @ts-check
/** @import { Item } from "../../../notifications_hub/static/notifications_hub/protocol/wire.js" */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BannerBoard } from "../../../notifications_hub/static/notifications_hub/banners/banner-board.js";

/**
 * @param {string} id
 * @param {object} [changes]
 */
function item(id, changes = {}) {
  return /** @type {Item} */ (
    /** @type {unknown} */ ({ id, title: id, body: "", banner: { paths: [], dismissable: true }, ...changes })
  );
}

/** @param {BannerBoard} board */
const ids = (board, path = "/") => board.shownOn(path).map(([id]) => id);

test("a new banner comes first, a withdrawn one goes", () => {
  const board = new BannerBoard(["a1"]);
  board.apply({ kind: "announcement.created", data: item("a2") });
  assert.deepEqual(ids(board), ["a2", "a1"]);
  board.apply({ kind: "announcement.withdrawn", data: { ids: ["a1", "a9"] } });
  assert.deepEqual(ids(board), ["a2"]);
});

test("an announcement without a banner shows none, and an edit may add one or take it away", () => {
  const board = new BannerBoard([]);
  board.replaceAll({ banners: [], dismissed: [] });
  board.apply({ kind: "announcement.created", data: item("a1", { banner: undefined }) });
  assert.deepEqual(ids(board), []);
  board.apply({ kind: "announcement.updated", data: item("a1") });
  assert.deepEqual(ids(board), ["a1"]);
  board.apply({ kind: "announcement.updated", data: item("a1", { banner: undefined }) });
  assert.deepEqual(ids(board), []);
});

test("an edit does not bring a dismissed banner back", () => {
  const board = new BannerBoard(["a1"]);
  board.apply({ kind: "announcement.dismissed", data: { ids: ["a1"] } });
  board.apply({ kind: "announcement.updated", data: item("a1") });
  board.replaceAll({ banners: [item("a1"), item("a2")], dismissed: [] });
  assert.deepEqual(ids(board), ["a2"]);
});

test("before the page knows what was dismissed, an edit adds no banner", () => {
  const board = new BannerBoard([]);
  board.apply({ kind: "announcement.updated", data: item("a1") });
  assert.deepEqual(ids(board), []);
  board.replaceAll({ banners: [], dismissed: ["a1"] });
  board.apply({ kind: "announcement.updated", data: item("a1") });
  assert.deepEqual(ids(board), []);
});

test("a dismissal that failed is taken back, at its old place", () => {
  const board = new BannerBoard(["a1", "a2", "a3"]);
  const takeBack = board.dismiss("a2");
  board.apply({ kind: "announcement.withdrawn", data: { ids: ["a3"] } });
  takeBack();
  assert.deepEqual(ids(board), ["a1", "a2"]);
});

test("each page shows the banners of its path", () => {
  const board = new BannerBoard([]);
  board.replaceAll({ banners: [item("a1", { banner: { paths: ["/shop/"], dismissable: true } })], dismissed: [] });
  assert.deepEqual(ids(board, "/shop/tea"), ["a1"]);
  assert.deepEqual(ids(board, "/"), []);
});

test("a dismissed banner that nobody can dismiss any more comes back", () => {
  const lasting = item("a1", { banner: { paths: [], dismissable: false } });
  const board = new BannerBoard(["a1"]);
  board.dismiss("a1");
  board.replaceAll({ banners: [lasting], dismissed: [] });
  assert.deepEqual(ids(board), ["a1"]);
  board.apply({ kind: "announcement.updated", data: item("a1") });
  assert.deepEqual(ids(board), []);
  board.apply({ kind: "announcement.updated", data: lasting });
  assert.deepEqual(ids(board), ["a1"]);
});

test("a visitor's cookie removes what it lists, but not what nobody can dismiss any more", () => {
  const board = new BannerBoard(["a1", "a2"]);
  board.remember("a1", false);
  board.remember("a2", true);
  assert.deepEqual(ids(board), ["a2"]);
  const lasting = item("a1", { banner: { paths: [], dismissable: false } });
  board.replaceAll({ banners: [lasting, item("a2"), item("a3")], dismissed: [] });
  board.remember("a1", false);
  assert.deepEqual(ids(board), ["a1", "a3"]);
});
