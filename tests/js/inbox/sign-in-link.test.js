// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { signInLink } from "../../../notifications_hub/static/notifications_hub/inbox/sign-in-link.js";

const PAGE = new URL("https://host.example/posts/9/?page=2#reply-4");

test("signing in leads back to the current page", () => {
  const url = new URL(signInLink("/accounts/login/?theme=dark", PAGE));
  assert.equal(url.origin + url.pathname, "https://host.example/accounts/login/");
  assert.deepEqual(Object.fromEntries(url.searchParams), { theme: "dark", next: "/posts/9/?page=2#reply-4" });
});

test("a sign-in page on another host gets the whole address", () => {
  const url = new URL(signInLink("https://login.example/", PAGE));
  assert.equal(url.searchParams.get("next"), PAGE.href);
});
