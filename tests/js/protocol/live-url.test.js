// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  liveAddress,
  liveFor,
  liveUrl,
  socketUrl,
} from "../../../notifications_hub/static/notifications_hub/protocol/live-url.js";

const at = (/** @type {string} */ live, page = "https://host.example/posts/9/?a=b") => new URL(live, page);

test("a relative prefix becomes a socket of the same host", () => {
  const url = liveUrl(at("/live/"), "ws/", { topics: ["inbox", "post.9"], cursor: "a+b/=" });
  assert.equal(String(socketUrl(url)), "wss://host.example/live/ws/?topic=inbox&topic=post.9&cursor=a%2Bb%2F%3D");
});

test("plain http becomes ws, with its port", () => {
  const url = liveUrl(at("/x/live/", "http://127.0.0.1:8000/"), "ws/", { topics: ["inbox"], cursor: "" });
  assert.equal(String(socketUrl(url)), "ws://127.0.0.1:8000/x/live/ws/?topic=inbox");
});

test("a prefix may be another host", () => {
  const url = liveUrl(at("https://live.example/hub/"), "ws/", { topics: ["inbox"], cursor: "c" });
  assert.equal(socketUrl(url).host, "live.example");
});

test("every URL names the page's person if the page does", () => {
  const live = liveFor(at("/live/"), "ab12");
  assert.equal(String(liveAddress(live, "ack/")), "https://host.example/live/ack/?person=ab12");
  const url = liveUrl(live, "sse/", { topics: ["inbox"], cursor: "c" });
  assert.equal(String(url), "https://host.example/live/sse/?person=ab12&topic=inbox&cursor=c");
  assert.equal(String(liveAddress(liveFor(at("/live/"), ""), "ack/")), "https://host.example/live/ack/");
});
