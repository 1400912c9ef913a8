import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// The pages and the hub have one origin, as behind a reverse proxy: cookies and WebSockets work without any settings.
const hub = process.env.HUB ?? "http://127.0.0.1:8000";
const proxy = Object.fromEntries(
  ["/api", "/accounts", "/live", "/notifications", "/showcase", "/static"].map((path) => [
    path,
    { target: hub, ws: true },
  ]),
);

export default defineConfig({ plugins: [vue()], server: { proxy }, preview: { proxy } });
