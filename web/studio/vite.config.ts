import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** KaTeX's fonts come in three formats; every browser that runs the studio reads the smallest. */
const woff2 = (): Plugin => ({
  name: "katex-woff2",
  enforce: "pre",
  transform: (code, id) => (id.includes("katex.min.css") ? code.replace(/,url\([^)]*\.(?:woff|ttf)\) format\("\w+"\)/g, "") : null),
});

export default defineConfig({
  plugins: [woff2(), svelte()],
  build: {
    outDir: "../../src/notewright/server/studio",
    emptyOutDir: true,
    assetsInlineLimit: 0, // every asset is a file of its own: the page's policy allows no inline scripts
    modulePreload: { polyfill: false },
    target: "es2022",
    license: { fileName: "licenses.md" }, // whose code and fonts are in it asks that its notice goes along
    chunkSizeWarningLimit: 600, // the editor, loaded when it is first opened
  },
  test: { include: ["tests/**/*.test.ts"], testTimeout: 60_000 },
  server: { proxy: { "/api": "http://127.0.0.1:8765", "/login": "http://127.0.0.1:8765" } },
});
