// Build a style sheet from standard input with Tailwind, as its command line does, for a page without its classes.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { compile } from "tailwindcss";

const require = createRequire(import.meta.url);

const sheet = await compile(await text(process.stdin), {
  async loadStylesheet(id, base) {
    const path = require.resolve(id === "tailwindcss" ? "tailwindcss/index.css" : id);
    return { path, base, content: await readFile(path, "utf8") };
  },
});
process.stdout.write(sheet.build([]));
