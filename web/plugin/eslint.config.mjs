import { defineConfig } from "eslint/config";
import obsidianmd from "eslint-plugin-obsidianmd";

export default defineConfig([
  ...obsidianmd.configs.recommended,
  {
    files: ["src/**/*.ts"],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  },
  {
    // core/ is pure: it may not know Obsidian.
    files: ["src/core/**/*.ts"],
    rules: { "no-restricted-imports": ["error", { paths: [{ name: "obsidian", message: "core/ is pure." }] }] },
  },
]);
