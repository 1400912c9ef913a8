// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { liveUrl, socketUrl } from "../../notifications_hub/static/notifications_hub/live-url.js";

const PAGE = "https://host.example/posts/9/?a=b";

test("a relative prefix becomes a socket of the same host", () => {
  const url = liveUrl("/live/", "ws/", { topics: ["inbox", "post.9"], cursor: "a+b/=" }, PAGE);
  assert.equal(String(socketUrl(url)), "wss://host.example/live/ws/?topic=inbox&topic=post.9&cursor=a%2Bb%2F%3D");
});

test("plain http becomes ws, with its port", () => {
  const url = liveUrl("/x/live/", "ws/", { topics: ["inbox"], cursor: "" }, "http://127.0.0.1:8000/");
  assert.equal(String(socketUrl(url)), "ws://127.0.0.1:8000/x/live/ws/?topic=inbox");
});

test("a prefix may be another host", () => {
  const url = liveUrl("https://live.example/hub/", "ws/", { topics: ["inbox"], cursor: "c" }, PAGE);
  assert.equal(socketUrl(url).host, "live.example");
});
