import { App, MarkdownView, TFile, normalizePath } from "obsidian";
import { bytesBefore, contentHash, unitsAt } from "./core/bytes";
import { outsideProperties, spaced } from "./core/guess";
import type { Insertion, Preview } from "./core/types";

/** The note is not as it was when the place for the draft was found. Nothing was written. */
export class NoteChanged extends Error {}

/** What was written: for the server, and for following the passage. */
export interface Written {
  insertion: Insertion;
  file: TFile;
  note: string;
  span: { start: number; end: number };
}

export interface Wish {
  draft: string;
  finalText: string | null;
  seconds: number | null;
}

const LONGEST = 400_000; // characters of a note that are told to a server that may not have it

/** Newlines as the editor has them, whatever the file has. */
export function lf(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** Notes that are open for writing. One that is only being read is written through its file, as if it were closed. */
export function openViews(app: App): MarkdownView[] {
  return views(app).filter((view) => view.getMode() === "source");
}

function views(app: App): MarkdownView[] {
  return app.workspace.getLeavesOfType("markdown").flatMap((leaf) => (leaf.view instanceof MarkdownView ? [leaf.view] : []));
}

/** The note as it is now: what the editor holds, saved or not; for carriage returns, which the editor does not keep, the file. */
export async function textOf(app: App, file: TFile): Promise<string> {
  const view = openViews(app).find((open) => open.file?.path === file.path);
  const saved = await app.vault.read(file);
  const shown = view?.editor.getValue() ?? saved;
  return lf(saved) === shown ? saved : shown;
}

/** Writes what the server's preview says, if the note still has the hash that the preview was made for. */
export async function insertAsPreviewed(app: App, preview: Omit<Preview, "after_hash" | "diff" | "broken" | "namesakes">, wish: Wish): Promise<Written> {
  const path = normalizePath(preview.note_path);
  const passage = preview.passage;
  if (preview.created) {
    if (app.vault.getAbstractFileByPath(path)) throw new NoteChanged(`${path} was made meanwhile.`);
    const folder = path.split("/").slice(0, -1).join("/");
    if (folder && !app.vault.getFolderByPath(folder)) await app.vault.createFolder(folder);
    const file = await app.vault.create(path, preview.inserted);
    return written(file, "", 0, preview.inserted, wish, true, passage);
  }
  const file = app.vault.getFileByPath(path);
  if (!file) throw new NoteChanged(`${path} is gone.`);
  const note = await textOf(app, file);
  // A file may begin with a byte order mark, which Obsidian does not show.
  const mark = (await contentHash(note)) === preview.before_hash ? "" : "\uFEFF";
  if (mark && (await contentHash(mark + note)) !== preview.before_hash) throw new NoteChanged(`${path} has changed.`);
  const at = unitsAt(mark + note, preview.start);
  if (at === null) throw new NoteChanged(`${path} has changed.`);
  return put(app, file, note, at - mark.length, preview.inserted, wish, passage);
}

/** Writes at the cursor of the open note, with the newlines that keep the draft apart. */
export async function insertAtCursor(app: App, view: MarkdownView, text: string, wish: Wish): Promise<Written> {
  const file = view.file;
  if (!file) throw new NoteChanged("No note is open.");
  const saved = await app.vault.read(file);
  const shown = view.editor.getValue();
  const at = outsideProperties(shown, view.editor.posToOffset(view.editor.getCursor("to")));
  const inserted = spaced(shown, at, text);
  if (!saved.includes("\r") || lf(saved) !== shown) return put(app, file, shown, at, inserted, wish, undefined, view);
  const end = saved.includes("\r\n") ? "\r\n" : "\r";
  return put(app, file, saved, unitsIn(saved, at), inserted.replace(/\n/g, end), wish);
}

/** Where in a file `at` of what the editor shows of it lies. */
function unitsIn(saved: string, at: number): number {
  let place = 0;
  for (let left = at; left > 0; left--) place += saved.startsWith("\r\n", place) ? 2 : 1;
  return place;
}

/** What was typed goes to the disk; a note in which nothing was keeps its carriage returns. */
export async function saveTyped(app: App, view: MarkdownView): Promise<void> {
  if (view.file && lf(await app.vault.read(view.file)) !== view.getViewData()) await view.save();
}

async function put(
  app: App, file: TFile, note: string, at: number, inserted: string, wish: Wish, passage?: [number, number], within?: MarkdownView,
): Promise<Written> {
  const view = within ?? openViews(app).find((open) => open.file?.path === file.path);
  if (view && !note.includes("\r")) {
    // Through the editor: cursor and folds stay, and Obsidian's own undo takes it back.
    if (view.editor.getValue() !== note) throw new NoteChanged(`${file.path} has changed.`);
    view.editor.replaceRange(inserted, view.editor.offsetToPos(at));
    // It stands in the editor now, whatever becomes of the file: Obsidian saves again, and the server is told until it has it.
    await view.save().catch(() => view.requestSave());
  } else {
    // Through the file, which words just typed may not have reached yet: Obsidian would save them over ours.
    const unsaved = views(app).some((open) => open.file?.path === file.path && lf(open.getViewData()) !== lf(note));
    if (unsaved) throw new NoteChanged(`${file.path} is not saved yet.`);
    await app.vault.process(file, (now) => {
      if (now !== note) throw new NoteChanged(`${file.path} has changed.`);
      return note.slice(0, at) + inserted + note.slice(at);
    });
  }
  return written(file, note, at, inserted, wish, false, passage);
}

function written(
  file: TFile, before: string, at: number, inserted: string, wish: Wish, created: boolean, passage?: [number, number],
): Written {
  const note = before.slice(0, at) + inserted + before.slice(at);
  const lead = passage ? unitsAt(inserted, passage[0]) : null;
  const tail = passage ? unitsAt(inserted, passage[1]) : null;
  return {
    insertion: {
      draft_id: wish.draft, note_path: file.path, start: bytesBefore(note, at), inserted, created, final_text: wish.finalText,
      seconds: wish.seconds, ...(passage ? { passage } : {}), ...(note.length < LONGEST ? { seen: note } : {}),
    },
    file,
    note,
    span: { start: at + (lead ?? inserted.length - inserted.trimStart().length), end: at + (tail ?? inserted.trimEnd().length) },
  };
}
