import { MarkdownView, Notice, type TFile } from "obsidian";
import { nameOfTitle } from "../../api/naming";
import { Attending } from "./attending";
import type NotewrightPlugin from "./main";
import { ApiError } from "./core/api";
import { chapterFor, guess, headingAt, headingsOf, plain } from "./core/guess";
import type { Chapter, Source } from "./core/types";
import { pick } from "./views/pick";

/** Source from the note's properties, links or title, else asked for; chapter from the heading under the cursor. */
export async function draftSection(plugin: NotewrightPlugin, selected = ""): Promise<void> {
  const { app } = plugin;
  const view = app.workspace.getActiveViewOfType(MarkdownView);
  const note = view?.file ?? app.workspace.getActiveFile();
  const text = view ? view.editor.getValue() : note ? await app.vault.cachedRead(note) : "";
  // As they are now: the answers take their time, and the person may go on to another place, or another note.
  const writing = view?.getMode() === "source";
  const heading = writing ? headingAt(text, view.editor.getCursor().line) : "";
  await begun(plugin, view, async (isLast, attending) => {
    const sources = await plugin.api.sources();
    if (!isLast()) return;
    if (!sources.length) throw empty();
    const told = note && sourceOf(plugin, note, text, sources);
    const source = told ?? (await anySource(plugin, sources, "Draft from which source?"));
    if (!told) attending.again();
    if (source) await draftFrom(plugin, source, { note, view, text, selected: selected.trim(), writing, heading, isLast, attending });
  });
}

const empty = (): ApiError => new ApiError(0, "The library has no highlights yet.", "Import some: notewright import readwise");

/** Of several commands the last one counts, whichever is answered first; `attending` tells whether the person waits for what comes of it. */
async function begun(
  plugin: NotewrightPlugin, view: MarkdownView | null, act: (isLast: () => boolean, attending: Attending) => Promise<void>,
): Promise<void> {
  const mine = ++plugin.drafted;
  const attending = new Attending((view ?? plugin.app.workspace).containerEl.ownerDocument);
  await act(() => mine === plugin.drafted, attending).finally(() => attending.end());
}

/** What the note says that it is about. */
export function sourceOf({ app }: NotewrightPlugin, note: TFile, text: string, sources: readonly Source[]): Source | null {
  const properties = app.metadataCache.getFileCache(note)?.frontmatter ?? {};
  return guess({ title: note.basename, properties, text }, sources);
}

export function anySource({ app }: NotewrightPlugin, sources: readonly Source[], question: string): Promise<Source | null> {
  return pick(app, sources, (item) => `${item.title} (${item.author || item.kind})`, question);
}

export function anyChapter({ app }: NotewrightPlugin, chapters: readonly Chapter[]): Promise<Chapter | null> {
  return pick(app, chapters, (item) => `${item.chapter || "Without a chapter"} (${item.highlights})`, "Which chapter?");
}

interface Where {
  note: TFile | null;
  view: MarkdownView | null;
  text: string;
  selected: string;
  /** The note is being edited, with the cursor under this heading. */
  writing: boolean;
  heading: string;
  isLast: () => boolean;
  attending: Attending;
}

async function draftFrom(plugin: NotewrightPlugin, source: Source, where: Where): Promise<void> {
  const { note, view, text, selected, writing, heading, isLast, attending } = where;
  const detail = await plugin.api.source(source.id);
  if (!isLast()) return;
  const chapters = detail.chapters.filter((chapter) => chapter.highlights > 0);
  const named = chapterFor(heading, chapters.map((chapter) => chapter.chapter));
  const told = named ? chapters.find((item) => item.chapter === named) : undefined;
  let chapter = told ?? (chapters.length === 1 ? chapters[0] : undefined);
  const chosen = selected ? detail.highlights.filter((item) => selected.includes(item.text.trim()) || item.text.includes(selected)) : [];
  if (selected && !chosen.length) throw new ApiError(0, "No highlight of this source is in the selected text.", "Select quoted words, or nothing.");
  if (!chapter && !chosen.length) {
    chapter = (await anyChapter(plugin, chapters)) ?? undefined;
    if (!chapter) return;
    attending.again();
  }
  const usual = note && headingsOf(text).includes(plugin.settings.heading) ? plugin.settings.heading : "";
  const under = named ? heading : usual;
  const notePath = note?.path ?? (await placeFor(plugin, source.id, source.title)).path;
  if (!isLast()) return;
  await plugin.draft(attending, {
    wish: {
      source: source.id, n: plugin.settings.candidates,
      // A chapter by its name, which is empty for what has none: the server then chooses as the person's rule about highlights says.
      ...(chapter && !chosen.length ? { chapter: chapter.chapter } : { highlight_ids: chosen.map((item) => item.id) }),
    },
    title: [source.title, chapter?.chapter].filter(Boolean).join(" · "),
    notePath,
    heading: under || null,
    atCursor: writing && !under,
    leaf: view?.leaf,
  });
}

/** The next chapter that waits for a note, into the source's own note where there is one. */
export async function nextInQueue(plugin: NotewrightPlugin): Promise<void> {
  await begun(plugin, plugin.app.workspace.getActiveViewOfType(MarkdownView), async (isLast, attending) => {
    const chapter = (await plugin.api.queue(1))[0];
    if (!isLast()) return;
    if (!chapter) {
      if (!(await plugin.api.check()).counts.highlights) throw empty();
      new Notice("Nothing is waiting: every chapter with highlights has a note.");
      return;
    }
    const place = await placeFor(plugin, chapter.source_id, chapter.source_title);
    if (!isLast()) return;
    await plugin.draft(attending, {
      wish: { source: chapter.source_id, n: plugin.settings.candidates, chapter: chapter.chapter },
      title: [chapter.source_title, chapter.chapter].filter(Boolean).join(" · "),
      notePath: place.path, heading: place.heading, atCursor: false,
    });
  });
}

/** Where a source's section goes when no note is open: its own note in this vault, else a new one. */
async function placeFor(plugin: NotewrightPlugin, source: string, title: string): Promise<{ path: string; heading: string | null }> {
  const { app, settings } = plugin;
  for (const row of await plugin.api.notes(source)) {
    const file = row.pairs > 0 || plain(row.title) === plain(title) ? app.vault.getFileByPath(row.path) : null;
    if (!file) continue;
    const usual = headingsOf(await app.vault.cachedRead(file)).includes(settings.heading);
    return { path: file.path, heading: usual ? settings.heading : null };
  }
  const name = nameOfTitle(title) || "Untitled";
  const folder = settings.folder || app.fileManager.getNewFileParent(app.workspace.getActiveFile()?.path ?? "").path.replace(/^\/$/, "");
  return { path: `${folder ? `${folder}/` : ""}${name}.md`, heading: null };
}
