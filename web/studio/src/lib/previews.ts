/** Texts as Obsidian shows them, rendered by the server; those that are asked for ahead come whole, so that nothing moves when they are shown. */
import { api } from "./api.ts";

const PATIENCE = 4000; // ms: what is not there by then comes later
const FONTS = ["1em KaTeX_Main", "italic 1em KaTeX_Math"]; // of most formulas: their lines get another height by it
const ahead = new Map<string, string>();
const keyOf = (markdown: string, notePath: string) => `${notePath}\n${markdown}`;

const render = async (markdown: string, notePath: string) => (await api.post("/api/preview", { body: { markdown, note_path: notePath } })).html;

/** Rendered already. */
export const isAhead = (markdown: string, notePath: string): boolean => ahead.has(keyOf(markdown, notePath));

export async function rendered(markdown: string, notePath: string): Promise<string> {
  const key = keyOf(markdown, notePath);
  const html = ahead.get(key);
  ahead.delete(key); // what it refers to may have changed by the next time
  return html ?? render(markdown, notePath);
}

async function formulas(): Promise<void> {
  await import("./katex.ts"); // and its style, which names the fonts
  await Promise.allSettled(FONTS.map((font) => document.fonts.load(font)));
}

async function prepareOne(markdown: string, notePath: string): Promise<void> {
  const html = await render(markdown, notePath);
  const parts = new DOMParser().parseFromString(html, "text/html");
  const pictures = [...parts.querySelectorAll("img[src^='/']")].map((picture) => { // the network's own may take long
    const copy = new Image();
    copy.src = picture.getAttribute("src")!;
    return copy.decode().catch(() => undefined);
  });
  await Promise.all([...pictures, parts.querySelector(".math") && formulas()]);
  ahead.set(keyOf(markdown, notePath), html);
}

/** Have them rendered, with their pictures and what typesets them, for a while at most. */
export async function prepare(texts: string[], notePath = ""): Promise<void> {
  ahead.clear();
  const all = Promise.allSettled(texts.map((text) => prepareOne(text, notePath)));
  await Promise.race([all, new Promise((go) => setTimeout(go, PATIENCE))]);
}
