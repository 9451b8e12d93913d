import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    testTimeout: 60_000,
    // A page of its own for every file takes longer than most tests, and core/ knows of none.
    projects: [
      { extends: true, test: { name: "core", include: ["tests/core/*.test.ts"], environment: "node" } },
      { extends: true, test: { name: "obsidian", include: ["tests/*.test.ts"], environment: "jsdom" } },
    ],
  },
  resolve: { alias: { obsidian: new URL("tests/obsidian/index.ts", import.meta.url).pathname } },
});
