/** Where and how drafts are written: new notes, templates, line ends, notes the server does not have, orders from elsewhere. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as fake from "./obsidian/index";
import { AFTER, CHAPTER, Memory, NOTE, PATH, Played, hash, press, settle } from "./played";

const START = Buffer.byteLength(NOTE.slice(0, NOTE.indexOf("## Troubles") - 1));
const INSERTED = "\n- One fact.\n";
let played: Played;

async function begin(files: Record<string, string>): Promise<void> {
  fake.Plugin.data = null;
  fake.Notice.shown = [];
  played = new Played(new Memory(files));
  await played.start();
}

function preview(note: string, more: Record<string, unknown> = {}): void {
  played.server.answers["POST /api/drafts/d1/accept/preview"] = {
    draft_id: "d1", broken: [], namesakes: [], note_path: PATH, under: "Beginnings", before_hash: hash(note), after_hash: "", diff: "", inserted: INSERTED, start: START,
    created: false, passage: [1, 12], ...more,
  };
}

beforeEach(() => begin({ [PATH]: NOTE, "Other.md": "x\n" }));
afterEach(() => played.stop());

async function draftAt(line: number, view: fake.MarkdownView): Promise<void> {
  view.editor.setCursor({ line, ch: 0 });
  await played.command("draft-section");
  fake.Modal.open[0]?.contentEl.querySelector("button")?.click(); // which chapter?
  await settle();
}

describe("a new note", () => {
  it("is framed by the template of the settings, and only the draft in it is followed", async () => {
    played.plugin.settings.template = "Book";
    played.app.newNotes = "Inbox";
    const framed = "---\nby: A. Writer\n---\n# The Slow River\n\n- One fact.\n\n## Later\n";
    const at = framed.indexOf("- One");
    preview("", { note_path: "Inbox/New River.md", inserted: framed, start: 0, created: true, passage: [at, at + 11] });
    const chapter = { ...(played.server.answers["GET /api/queue"] as { chapters: object[] }).chapters[0], source_title: "New River" };
    played.server.answers["GET /api/queue"] = { total: 1, chapters: [chapter] };
    await played.command("next-in-queue");
    press(0, "Accept");
    await settle();
    expect(played.server.of("/accept/preview")[0]).toMatchObject({ into: "Inbox/New River.md", template: "Book", seen: { text: null } });
    expect(played.disk.files["Inbox/New River.md"]).toBe(framed);
    expect(played.server.of("/insertions")[0]).toMatchObject({ created: true, passage: [at, at + 11], seen: framed });
    await played.app.workspace.openNote("Inbox/New River.md");
    played.disk.files["Inbox/New River.md"] = framed.replace("fact", "fine fact").replace("## Later", "## Much later");
    const file = played.app.vault.getFileByPath("Inbox/New River.md");
    played.app.vault.trigger("modify", file);
    await played.command("log-edits");
    expect(played.server.of("/later-edits")).toEqual([{ before: "- One fact.", after: "- One fine fact.", note_path: "Inbox/New River.md" }]);
  });
  it.each([["NET: at last", ".NET: at last ..."], ["漢".repeat(80), "漢".repeat(120)], ["Untitled", "???"]])("is called %s, as every system and link allows", async (name, title) => {
    preview("", { created: true });
    played.server.answers["GET /api/queue"] = { total: 1, chapters: [{ ...CHAPTER, source_title: title }] };
    await played.command("next-in-queue");
    press(0, "Accept");
    await settle();
    expect(played.server.of("/accept/preview")[0]).toMatchObject({ into: `${name.replace(":", "")}.md` });
  });
  it("is not made where the source has one already, and the usual heading holds there", async () => {
    played.plugin.settings.heading = "Troubles";
    played.server.answers["GET /api/notes"] = { total: 1, notes: [{ path: PATH, title: "The Slow River", aliases: [], pairs: 1 }] };
    preview(NOTE, { under: "Troubles" });
    await played.command("next-in-queue");
    press(0, "Accept");
    await settle();
    expect(played.server.of("/accept/preview")[0]).toMatchObject({ into: PATH, under: "Troubles", template: null, seen: { text: NOTE } });
    expect(played.disk.files[PATH]).toBe(AFTER);
  });
});

describe("an existing note", () => {
  it.each([
    ["carriage returns", NOTE.replace(/\n/g, "\r\n")],
    ["mixed line ends", NOTE.replace("# The Slow River\n", "# The Slow River\r\n")],
  ])("with %s keeps every other byte, open or not", async (_, note) => {
    for (const open of [true, false]) {
      played.stop();
      await begin({ [PATH]: note });
      const start = note.indexOf("## Troubles");
      preview(note, { start, inserted: "- One fact.\r\n\r\n", passage: [0, 11] });
      await played.drafted();
      if (!open) played.app.workspace.leaves = played.app.workspace.leaves.filter((leaf) => leaf.view?.getViewType() !== "markdown");
      press(0, "Accept");
      await settle();
      expect(played.disk.files[PATH]).toBe(`${note.slice(0, start)}- One fact.\r\n\r\n${note.slice(start)}`);
      expect(played.server.of("/insertions")).toHaveLength(1);
    }
  });
  it("is previewed as the editor has it, saved or not", async () => {
    const view = await played.drafted();
    const typed = `${NOTE}typed\n`;
    view.editor.setValue(typed);
    preview(typed);
    press(0, "Accept");
    await settle();
    expect(played.server.of("/accept/preview")[0]).toMatchObject({ seen: { text: typed } });
    expect(played.disk.files[PATH]).toBe(`${AFTER}typed\n`);
  });
  it.each([["just typed", "preview"], ["with carriage returns, just typed", "source"]] as const)("%s and not saved yet is left alone", async (kind, mode) => {
    const note = mode === "source" ? NOTE.replace(/\n/g, "\r\n") : NOTE;
    played.disk.files[PATH] = note;
    const view = await played.drafted();
    // Obsidian's editor has no carriage returns; what it shows here came in after the note was read for the place of the draft.
    view.mode = mode;
    played.server.answer = (route) => {
      if (route.endsWith("/accept/preview")) view.editor.setValue(`${NOTE}typed\n`);
      return undefined;
    };
    view.editor.setValue(NOTE);
    preview(note);
    press(0, "Accept");
    await settle();
    expect(played.disk.files[PATH], kind).toBe(note);
    expect(played.server.of("/insertions")).toEqual([]);
    expect(fake.Notice.shown.at(-1)).toContain("Nothing was written");
  });
  it("that is only being read is written through its file", async () => {
    const view = await played.app.workspace.openNote(PATH);
    view.mode = "preview";
    const typing = vi.spyOn(view.editor, "replaceRange");
    played.app.workspace.trigger("layout-change");
    preview(NOTE);
    await played.command("draft-section");
    fake.Modal.open[0]?.contentEl.querySelector("button")?.click();
    await settle();
    press(0, "Accept");
    await settle();
    expect(typing).not.toHaveBeenCalled();
    expect(played.disk.files[PATH]).toBe(AFTER);
    const told = played.server.told.filter((item) => item.route.startsWith("POST /api/editors/"));
    expect(told.at(-1)?.body.open).toEqual([]);
  });
  it("with carriage returns keeps them where the draft goes to the cursor", async () => {
    const bare = "First.\n\nSecond.\n\nThird.\n";
    for (const end of ["\r\n", "\r"]) {
      played.stop();
      await begin({ [PATH]: bare.replace(/\n/g, end) });
      const view = await played.app.workspace.openNote(PATH);
      await draftAt(2, view);
      press(0, "Accept");
      await settle();
      expect(played.disk.files[PATH]).toBe("First.\n\n- One fact.\n\nSecond.\n\nThird.\n".replace(/\n/g, end));
      expect(played.server.of("/insertions")).toHaveLength(1);
    }
  });
  it("that is open twice is written at the cursor of the pane that the command was for", async () => {
    played.stop();
    await begin({ [PATH]: "First.\n\nSecond.\n" });
    await played.app.workspace.openNote(PATH);
    await draftAt(2, await played.app.workspace.openNote(PATH));
    press(0, "Accept");
    await settle();
    expect(played.disk.files[PATH]).toBe("First.\n\n- One fact.\n\nSecond.\n");
  });
  it("that cannot be saved for a moment has the draft once, and is told", async () => {
    played.server.answer = (route, body) => {
      if (!route.endsWith("/accept/preview")) return undefined;
      const seen = (body.seen as { text: string }).text;
      return { draft_id: "d1", broken: [], namesakes: [], note_path: PATH, under: "", before_hash: hash(seen), after_hash: "", diff: "", inserted: INSERTED, start: Buffer.byteLength(seen), created: false };
    };
    const view = await played.drafted();
    const { write } = played.disk;
    let fails = 1;
    played.disk.write = (path, text) => (fails-- > 0 ? Promise.reject(new Error("EBUSY: resource busy or locked")) : write(path, text));
    for (let turn = 0; turn < 2; turn++) {
      press(0, "Accept");
      await settle();
    }
    expect(view.editor.getValue().split("- One fact.")).toHaveLength(2);
    expect(played.server.of("/insertions")).toHaveLength(1);
    expect(fake.Notice.shown.at(-1)).toContain("already");
  });
  it("that begins with a byte order mark is the one that the server read", async () => {
    preview(`\uFEFF${NOTE}`, { start: START + 3 });
    const view = await played.drafted();
    press(0, "Accept");
    await settle();
    expect(view.editor.getValue()).toBe(AFTER);
  });
});

describe("an order from elsewhere", () => {
  const order = (note: string, draft: string): object => ({
    id: 7, draft_id: draft, note_path: PATH, under: "Beginnings", before_hash: hash(note), inserted: INSERTED, start: START, passage: [1, 12],
    final_text: null, seconds: null,
  });
  const give = async (note: string, granted = true, draft = "d9"): Promise<void> => {
    played.server.answers["POST /api/orders/7"] = { granted };
    const orders = [order(note, draft)];
    const there = /^POST \/api\/editors\//;
    played.server.answer = (route, body) => (there.test(route) && body.wait ? { orders: orders.splice(0) } : undefined);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    await settle();
  };

  it("is written through the editor, told with its number, and followed", async () => {
    const view = await played.app.workspace.openNote(PATH);
    expect(played.server.told.some((told) => told.route.startsWith("POST /api/editors/") && (told.body.open as string[]).includes(PATH))).toBe(true);
    await give(NOTE);
    expect(view.editor.getValue()).toBe(AFTER);
    expect(played.disk.files[PATH]).toBe(AFTER);
    expect(played.server.of("/insertions")).toMatchObject([{ order: 7, inserted: INSERTED, under: "Beginnings" }]);
    view.editor.setValue(AFTER.replace("fact", "bare fact"));
    await view.save();
    await played.command("log-edits");
    expect(played.server.of("/later-edits")).toMatchObject([{ after: "- One bare fact." }]);
  });
  it("is left alone when the server has written it meanwhile", async () => {
    const view = await played.app.workspace.openNote(PATH);
    await give(NOTE, false);
    expect(view.editor.getValue()).toBe(NOTE);
    expect(played.server.of("/insertions")).toEqual([]);
  });
  it("is refused when something was typed that the server did not see, and that is saved", async () => {
    const view = await played.app.workspace.openNote(PATH);
    view.editor.setValue(`${NOTE}typed\n`);
    await give(NOTE);
    expect(played.server.of("/api/orders/7")).toEqual([{ state: "taken" }, { state: "refused" }]);
    expect(played.disk.files[PATH]).toBe(`${NOTE}typed\n`);
    expect(played.server.of("/insertions")).toEqual([]);
  });
  it("is refused for a draft that stands in a note already, though the server has not heard of that yet", async () => {
    preview(NOTE);
    await played.drafted();
    played.failing("/insertions", 409);
    press(0, "Accept");
    await settle();
    expect(played.disk.files[PATH]).toBe(AFTER);
    await give(AFTER, true, "d1");
    expect(played.disk.files[PATH]).toBe(AFTER);
    expect(played.server.of("/api/orders/7")).toEqual([{ state: "taken" }, { state: "refused" }]);
  });
  it("that is refused leaves a note with carriage returns as it was", async () => {
    played.disk.files[PATH] = NOTE.replace(/\n/g, "\r\n");
    await played.app.workspace.openNote(PATH);
    await give("another");
    expect(played.server.of("/api/orders/7")).toEqual([{ state: "taken" }, { state: "refused" }]);
    expect(played.disk.files[PATH]).toBe(NOTE.replace(/\n/g, "\r\n"));
  });
  it("says goodbye when the plugin is switched off", async () => {
    await played.app.workspace.openNote(PATH);
    await new Promise((resolve) => setTimeout(resolve, 20));
    played.plugin.unload();
    await settle();
    expect(played.server.told.at(-1)?.route).toMatch(/^DELETE \/api\/editors\//);
  });
});
