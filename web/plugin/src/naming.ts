import { MarkdownView, Notice } from "obsidian";
import type NotewrightPlugin from "./main";
import { ApiError } from "./core/api";
import { chapterFor } from "./core/guess";
import { passageAt } from "./core/passage";
import type { Passage, Source } from "./core/types";
import { anyChapter, anySource, sourceOf } from "./drafting";
import { saveTyped } from "./insert";
import { pick } from "./views/pick";
import { nameHighlights, type Choice } from "./views/naming";

/** The person says which highlights the passage under the cursor was written from: a pair that nothing finds by itself. */
export async function namePassage(plugin: NotewrightPlugin): Promise<void> {
  const { app, api } = plugin;
  const view = app.workspace.getActiveViewOfType(MarkdownView);
  if (!view?.file) throw new Error("Open the note first, with the cursor in the passage.");
  // As they are now: the answers take their time, and the person may go on to another note.
  const { file } = view;
  const { path } = file;
  const text = view.getViewData();
  const at = view.getMode() === "source" ? view.editor.posToOffset(view.editor.getCursor()) : null;
  await saveTyped(app, view);
  if (!(await api.readVault(plugin.unloaded.signal))) return;
  const passages = await api.passages(path);
  const here = at === null ? null : passageAt(text, at, passages);
  const passage = here ?? (await pick(app, passages, (item) => clipped(item.text), "Which passage?"));
  if (!passage) return;
  const sources = await api.sources();
  let source = sourceOf(plugin, file, text, sources) ?? (await anySource(plugin, sources, FROM));
  let others = false;
  while (source) {
    const choice = await choose(plugin, passage, source, others);
    if (choice === "other") [source, others] = [await anySource(plugin, sources, FROM), true];
    else if (!choice) return;
    else {
      const { events } = await api.namePair(path, passage.id, source.id, choice);
      named(plugin, choice.length, source, events);
      return;
    }
  }
}

const FROM = "Written from which source?";

/** `others`: the chapter that the passage's headings name has been seen already. */
async function choose(plugin: NotewrightPlugin, passage: Passage, source: Source, others: boolean): Promise<Choice> {
  const detail = await plugin.api.source(source.id);
  const chapters = detail.chapters.filter((chapter) => chapter.highlights > 0);
  if (!chapters.length) throw new ApiError(0, `${source.title} has no highlights.`, "Import them: notewright import readwise");
  const names = chapters.map((chapter) => chapter.chapter);
  const told = others ? undefined : [...passage.headings].reverse().map((heading) => chapterFor(heading, names)).find(Boolean);
  const known = chapters.length === 1 ? chapters[0] : chapters.find((chapter) => told && chapter.chapter === told);
  const chapter = known ?? (await anyChapter(plugin, chapters));
  if (!chapter) return null;
  const highlights = detail.highlights.filter((item) => chapter.highlight_ids.includes(item.id));
  return nameHighlights(plugin.app, [source.title, chapter.chapter].filter(Boolean).join(" · "), passage.text, highlights);
}

/** Told with a way back: it is a decision that pairing never changes, and what models learn from. */
function named(plugin: NotewrightPlugin, count: number, source: Source, events: number[]): void {
  const told = createFragment();
  told.append(`Written from ${count} highlight${count === 1 ? "" : "s"} of ${source.title}. `);
  if (events.length) {
    const undo = told.createEl("button", { text: "Undo" });
    undo.addEventListener("click", () => {
      notice.hide();
      void plugin.api.restorePairs(events).catch((error: unknown) => plugin.notice(error));
    });
  } else told.append("It was known before.");
  const notice = new Notice(told, 10_000);
}

function clipped(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}
