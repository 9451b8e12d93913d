import { svelte } from "@sveltejs/vite-plugin-svelte";
import { createHash } from "node:crypto";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** KaTeX's fonts come in three formats; every browser that runs the studio reads the smallest. */
const woff2 = (): Plugin => ({
  name: "katex-woff2",
  enforce: "pre",
  transform: (code, id) => (id.includes("katex.min.css") ? code.replace(/,url\([^)]*\.(?:woff|ttf)\) format\("\w+"\)/g, "") : null),
});

/** The worker is told which files it is to keep; the fonts of formulas are many, and a formula can be read without them. */
const files = (): Plugin => ({
  name: "files-of-the-studio",
  generateBundle(_, bundle) {
    const assets = Object.keys(bundle).filter((name) => /^assets\/.*\.(js|css)$/.test(name)).map((name) => `/${name}`).sort();
    const version = createHash("sha256").update(assets.join("\n")).digest("hex").slice(0, 12); // their names have the hashes of what is in them
    const worker = bundle["worker.js"];
    if (worker?.type !== "chunk") throw new Error("there is no worker");
    worker.code = worker.code.replaceAll("__FILES__", () => JSON.stringify({ version, assets }));
  },
});

export default defineConfig({
  plugins: [woff2(), svelte(), files()],
  build: {
    outDir: "../../src/notewright/server/studio",
    emptyOutDir: true,
    assetsInlineLimit: 0, // every asset is a file of its own: the page's policy allows no inline scripts
    modulePreload: { polyfill: false },
    target: "es2022",
    rolldownOptions: {
      input: ["index.html", "src/worker.ts"],
      output: { entryFileNames: ({ name }) => (name === "worker" ? "worker.js" : "assets/[name]-[hash].js") }, // its folder is what it sees
    },
    license: { fileName: "licenses.md" }, // whose code and fonts are in it asks that its notice goes along
    chunkSizeWarningLimit: 600, // the editor, loaded when it is first opened
  },
  test: { include: ["tests/**/*.test.ts"], testTimeout: 60_000 },
  server: { proxy: { "/api": "http://127.0.0.1:8765", "/login": "http://127.0.0.1:8765" } },
});
