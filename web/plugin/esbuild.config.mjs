// Builds the folder that goes into a vault: main.js (the one file that Obsidian loads), manifest.json, styles.css. `--watch` rebuilds.
import { cp, mkdir, readFile } from "node:fs/promises";
import esbuild from "esbuild";

const out = new URL("../../src/notewright/plugin/", import.meta.url).pathname;
const watch = process.argv.includes("--watch");
await mkdir(out, { recursive: true });
for (const name of ["manifest.json", "styles.css"]) await cp(new URL(name, import.meta.url).pathname, out + name);
const notice = await readFile(new URL("node_modules/diff/LICENSE", import.meta.url), "utf8");
const context = await esbuild.context({
  entryPoints: ["src/main.ts"],
  bundle: true,
  format: "cjs",
  target: "es2021",
  external: ["obsidian", "electron", "@codemirror/*", "@lezer/*"],
  outfile: `${out}main.js`,
  sourcemap: watch ? "inline" : false,
  minify: !watch,
  footer: { js: `/*! jsdiff is in this file:\n\n${notice.trim()}\n*/` },
  logLevel: "info",
});
if (watch) {
  await context.watch();
} else {
  await context.rebuild();
  await context.dispose();
}
