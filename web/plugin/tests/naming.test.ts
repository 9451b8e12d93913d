/** The person says what a passage was written from. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as fake from "./obsidian/index";
import { CHAPTER, HIGHLIGHT, Memory, NOTE, PATH, Played, SOURCE, settle } from "./played";

let played: Played;
const other = { ...HIGHLIGHT, id: "h2", text: "They bend.", annotation: "so true" };
const passage = { id: "p1", headings: ["The Slow River", "Beginnings"], text: "My words.", start: 33, end: 42, pair_ids: [] };
const job = { id: "j1", state: "running", problem: null };

beforeEach(async () => {
  fake.Plugin.data = null;
  fake.Notice.shown = [];
  fake.Modal.open = [];
  played = new Played(new Memory({ [PATH]: NOTE, "Other.md": "Some words.\n" }));
  Object.assign(played.server.answers, {
    "POST /api/import/vault": job,
    "GET /api/jobs/j1": { ...job, state: "done" },
    "GET /api/passages": { passages: [passage, { ...passage, id: "p2", text: "More." }] },
    "GET /api/sources/s1": { source: SOURCE, chapters: [CHAPTER, { ...CHAPTER, chapter: "Troubles", highlight_ids: ["h3"] }], highlights: [HIGHLIGHT, other, { ...other, id: "h3" }] },
    "POST /api/pairs": { events: [7] },
  });
  await played.start();
});

afterEach(() => played.stop());

const modal = (): HTMLElement | undefined => fake.Modal.open[0]?.contentEl;
const wait = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 250)); // between two looks at a job
  await settle();
};
const press = async (label: string): Promise<void> => {
  [...(modal()?.querySelectorAll("button") ?? [])].find((button) => button.textContent.startsWith(label))?.click();
  await settle();
};
const begin = async (path = PATH, line = 4): Promise<void> => {
  const view = await played.app.workspace.openNote(path);
  view.editor.setCursor({ line, ch: 1 });
  await played.command("name-passage");
  await wait();
};

describe("naming a passage", () => {
  it("shows the passage under the cursor with the highlights of its heading's chapter, and tells the chosen ones", async () => {
    await begin();
    expect(modal()?.textContent).toContain("My words.The Slow River · Beginnings");
    expect([...(modal()?.querySelectorAll("label") ?? [])].map((row) => row.textContent)).toEqual(["Rivers are slow.", "They bend. (so true)"]);
    modal()?.querySelectorAll("input")[0]?.click();
    await press("They belong together");
    expect(played.server.of("POST /api/pairs")).toEqual([{ note_path: PATH, passage_id: "p1", source_id: "s1", highlight_ids: ["h2"] }]);
    expect(fake.Notice.shown.at(-1)).toContain("Written from 1 highlight of The Slow River.");
  });
  it("is taken back from the notice", async () => {
    await begin();
    await press("They belong together");
    fake.Notice.last?.messageEl.querySelector("button")?.click();
    await settle();
    expect(played.server.of("POST /api/pairs/restore")).toEqual([{ events: [7] }]);
  });
  it("tells what was known before, without a way back", async () => {
    played.server.answers["POST /api/pairs"] = { events: [] };
    await begin();
    await press("They belong together");
    expect(fake.Notice.shown.at(-1)).toContain("It was known before.");
    expect(fake.Notice.last?.messageEl.querySelector("button")).toBeNull();
  });
  it("names nothing while nothing is chosen, or when the person leaves", async () => {
    await begin();
    for (const box of modal()?.querySelectorAll("input") ?? []) box.click();
    await press("They belong together");
    expect(modal()).toBeDefined();
    fake.Modal.open[0]?.close();
    await settle();
    expect(played.server.of("POST /api/pairs")).toEqual([]);
  });
  it("asks for passage, source and chapter where nothing tells", async () => {
    await begin("Other.md", 0);
    await press("More.");
    await press("The Slow River");
    expect(modal()?.textContent).toContain("More.The Slow River · Beginnings"); // its headings tell the chapter
    await press("Other highlights");
    await press("The Slow River");
    await press("Troubles");
    await press("They belong together");
    expect(played.server.of("POST /api/pairs")).toMatchObject([{ note_path: "Other.md", passage_id: "p2", highlight_ids: ["h3"] }]);
  });
  it("asks for the chapter under a heading that names none", async () => {
    played.server.answers["GET /api/passages"] = { passages: [{ ...passage, headings: ["The Slow River"] }] };
    await begin();
    await press("Troubles");
    await press("They belong together");
    expect(played.server.of("POST /api/pairs")).toMatchObject([{ highlight_ids: ["h3"] }]);
  });
  it("says why the vault could not be read, and asks nothing", async () => {
    played.server.answers["GET /api/jobs/j1"] = { ...job, state: "failed", problem: { message: "The vault is gone.", hint: "Mount it." } };
    await begin();
    expect(fake.Notice.shown).toEqual(["The vault is gone. Mount it."]);
    expect(modal()).toBeUndefined();
  });
  it("is about the note and the passage that the person was in, wherever they go meanwhile", async () => {
    const view = await played.app.workspace.openNote(PATH);
    view.editor.setCursor({ line: 4, ch: 1 });
    await played.command("name-passage");
    const other = played.app.vault.getFileByPath("Other.md");
    if (other) await view.show(other);
    await wait();
    expect(modal()?.textContent).toContain("My words.The Slow River · Beginnings");
    await press("They belong together");
    expect(played.server.of("POST /api/pairs")).toMatchObject([{ note_path: PATH, passage_id: "p1" }]);
  });
  it("leaves the bytes of the note alone", async () => {
    played.disk.files[PATH] = NOTE.replace(/\n/g, "\r\n");
    await begin();
    expect(played.disk.files[PATH]).toBe(NOTE.replace(/\n/g, "\r\n"));
    expect(modal()?.textContent).toContain("My words.");
  });
  it("asks nothing any more once the plugin is switched off", async () => {
    const view = await played.app.workspace.openNote(PATH);
    view.editor.setCursor({ line: 4, ch: 1 });
    await played.command("name-passage");
    played.plugin.unload();
    await wait();
    expect(modal()).toBeUndefined();
    expect(played.server.of("GET /api/passages")).toEqual([]);
  });
  it("has what was typed saved before the server reads it", async () => {
    const view = await played.app.workspace.openNote(PATH);
    view.editor.setValue(NOTE.replace("My words.", "My new words."));
    await played.command("name-passage");
    expect(played.disk.files[PATH]).toContain("My new words.");
  });
});
