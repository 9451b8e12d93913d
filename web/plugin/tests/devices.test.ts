/** Two devices with one synced vault, both with Obsidian open: neither takes back what was done on the other. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as fake from "./obsidian/index";
import type { Data } from "../src/keeping";
import { Memory, NOTE, PATH, Played, settle } from "./played";

type File = { settings: Record<string, unknown>; followed: { draft: string }[]; outbox: unknown[]; changed?: Record<string, number> };
const file = (): File => structuredClone(fake.Plugin.data) as File;
let played: Played;
let clock = 1_000_000_000_000;

beforeEach(async () => {
  fake.Plugin.data = null;
  fake.Notice.shown = [];
  vi.spyOn(Date, "now").mockImplementation(() => (clock += 1000));
  played = new Played(new Memory({ [PATH]: NOTE }));
  await played.start();
});
afterEach(() => {
  played.stop();
  vi.restoreAllMocks();
});

/** What a sync does: the whole file is another device's. */
async function arrives(data: unknown): Promise<void> {
  fake.Plugin.data = structuredClone(data);
  await played.plugin.onExternalSettingsChange();
  await settle();
}
const set = (change: Partial<Data["settings"]>): Promise<void> => played.plugin.keeping.set(change);
async function insert(draft: string): Promise<void> {
  const before = played.disk.files[PATH] ?? "";
  const inserted = `\n- Of ${draft}.\n`;
  const found = played.app.vault.getFileByPath(PATH);
  if (!found) throw new Error("no file");
  await played.app.vault.modify(found, before + inserted);
  const insertion = { draft_id: draft, note_path: PATH, start: before.length, inserted, created: false, final_text: null, seconds: null };
  const span = { start: before.length + 1, end: before.length + inserted.length - 1 };
  await played.plugin.following.tell({ insertion, file: found as never, note: before + inserted, span }, null);
}

describe("settings", () => {
  it("that another device changed hold here, and are not taken back by what is saved here next", async () => {
    await set({ folder: "Books" });
    const other = file();
    await arrives({ ...other, settings: { ...other.settings, candidates: 4 }, changed: { ...other.changed, candidates: clock + 500 } });
    expect(played.plugin.settings).toMatchObject({ candidates: 4, folder: "Books" });
    await set({ heading: "Notes" });
    expect(file().settings).toMatchObject({ candidates: 4, folder: "Books", heading: "Notes" });
  });
  it("that another device changed hold before Obsidian tells of the file", async () => {
    await set({ folder: "Books" });
    const other = file();
    fake.Plugin.data = { ...other, settings: { ...other.settings, candidates: 4 }, changed: { ...other.changed, candidates: clock + 500 } };
    await set({ heading: "Notes" });
    expect(file().settings).toMatchObject({ candidates: 4, folder: "Books", heading: "Notes" });
  });
  it("are put right again where an older copy came over them, once", async () => {
    await set({ folder: "Books", candidates: 2 });
    const older = file();
    await set({ folder: "Essays" });
    await arrives({ ...older, settings: { ...older.settings, candidates: 4 }, changed: { ...older.changed, candidates: clock + 500 } });
    expect(played.plugin.settings).toMatchObject({ folder: "Essays", candidates: 4 });
    expect(file().settings).toMatchObject({ folder: "Essays", candidates: 4 });
    const saved = vi.spyOn(played.plugin, "saveData");
    await arrives(file());
    expect(saved).not.toHaveBeenCalled();
  });
  it("that somebody changed in the file by hand hold", async () => {
    await set({ folder: "Books" });
    const other = file();
    await arrives({ ...other, settings: { ...other.settings, folder: "By hand" } });
    await set({ candidates: 2 });
    expect(file().settings).toMatchObject({ folder: "By hand", candidates: 2 });
  });
  it("of an earlier version are read, its address too, until the device has one of its own", async () => {
    played.stop();
    fake.Plugin.data = { settings: { address: "http://10.0.0.2:9000", candidates: 4 }, notes: [], followed: [], outbox: [] };
    await played.start(played.app);
    expect(played.plugin.settings).toMatchObject({ address: "http://10.0.0.2:9000", candidates: 4, folder: "" });
    await set({ address: "http://127.0.0.1:9000" });
    await set({ candidates: 2 });
    expect(file().settings).toMatchObject({ address: "http://10.0.0.2:9000", candidates: 2 });
    await arrives({ ...file(), settings: { ...file().settings, address: "http://10.0.0.9:9000" } });
    expect(played.plugin.settings.address).toBe("http://127.0.0.1:9000");
    played.stop();
    await played.start(played.app);
    expect(played.plugin.settings.address).toBe("http://127.0.0.1:9000");
  });
  it("survive a file that is half written for a moment", async () => {
    await set({ folder: "Books" });
    const { loadData } = played.plugin;
    let fails = 1;
    played.plugin.loadData = () => (fails-- > 0 ? Promise.reject(new SyntaxError("half")) : loadData.call(played.plugin));
    await arrives({ ...file(), settings: { ...file().settings, candidates: 4 }, changed: { ...file().changed, candidates: clock + 500 } });
    await vi.waitFor(() => expect(played.plugin.settings).toMatchObject({ folder: "Books", candidates: 4 }));
  });
});

describe.each(["1.12", "1.13"] as const)("the open settings tab in Obsidian %s", (version) => {
  const field = (name: string): HTMLInputElement => {
    const row = [...(played.plugin.tabs[0]?.containerEl.children ?? [])].find((one) => one.querySelector("b")?.textContent === name);
    const found = row?.querySelector<HTMLInputElement>("input, select");
    if (!found) throw new Error(`no field in ${name}`);
    return found;
  };
  beforeEach(async () => {
    const [tab] = played.plugin.tabs;
    if (!tab) throw new Error("no tab");
    document.body.append(tab.containerEl);
    tab.open(version);
    await settle();
  });

  it("shows what another device has set, and leaves alone what is being typed", async () => {
    field("Usual heading").focus();
    Object.assign(field("Usual heading"), { value: "Tho" });
    field("Usual heading").dispatchEvent(new Event("input"));
    await settle();
    const other = { candidates: 2, folder: "Books", template: "Elsewhere", logEdits: false, heading: "Older" };
    const at = Object.fromEntries(Object.keys(other).map((key) => [key, key === "heading" ? 5 : clock + 500]));
    await arrives({ ...file(), settings: { ...file().settings, ...other }, changed: at });
    expect([field("Candidates").value, field("Folder for new notes").value, field("Template for new notes").value]).toEqual(["2", "Books", "Elsewhere"]);
    expect([field("Log my later edits").checked, field("Log thinking time").checked]).toEqual([false, true]);
    expect(field("Usual heading").value).toBe("Tho");
    Object.assign(field("Usual heading"), { value: "Thoughts" });
    field("Usual heading").dispatchEvent(new Event("input"));
    field("Usual heading").blur();
    await settle();
    expect(file().settings).toMatchObject({ ...other, heading: "Thoughts" });
  });
  it("shows, once it is left, what was set meanwhile in a field that somebody was at", async () => {
    field("Usual heading").focus();
    await arrives({ ...file(), settings: { heading: "Thoughts" }, changed: { heading: clock + 500 } });
    expect(field("Usual heading").value).toBe("");
    field("Usual heading").blur();
    expect(field("Usual heading").value).toBe("Thoughts");
  });
});

describe("passages and what waits to be sent", () => {
  it("of both devices are kept, whichever wrote the file last", async () => {
    await insert("d1");
    const here = file();
    played.stop();
    fake.Plugin.data = null;
    played = new Played(new Memory({ [PATH]: NOTE }));
    await played.start();
    await insert("d2");
    await arrives(here);
    expect(played.plugin.data.followed.map((item) => item.draft).sort()).toEqual(["d1", "d2"]);
    expect(file().followed.map((item) => item.draft).sort()).toEqual(["d1", "d2"]);
  });
  it("that one device has sent are not sent by the other, and do not come back", async () => {
    played.failing("/insertions");
    await insert("d1");
    const waiting = file();
    expect(waiting.outbox).toHaveLength(1);
    played.mended();
    await played.plugin.following.look(false);
    const sent = file();
    expect([sent.outbox, played.server.of("/insertions").length]).toEqual([[], 1]);
    await arrives(waiting); // the other device's copy, from before
    await played.plugin.following.look(false);
    expect([file().outbox, played.server.of("/insertions").length]).toEqual([[], 1]);
    played.stop();
    fake.Plugin.data = waiting;
    await played.start(played.app);
    await arrives(sent);
    await played.plugin.following.look(false);
    expect([played.plugin.data.outbox, played.server.of("/insertions").length]).toEqual([[], 1]);
  });
  it("of the other device are sent from here, where it cannot", async () => {
    const letter = { kind: "insertion", body: { draft_id: "d9", note_path: PATH }, at: 5 };
    await arrives({ ...file(), settings: {}, followed: [], outbox: [letter] });
    await played.plugin.following.look(false);
    expect(played.server.of("/insertions")).toHaveLength(1);
    expect(file().outbox).toEqual([]);
  });
  it("that were told as deleted do not come back with their words", async () => {
    await insert("d1");
    const before = file();
    const [followed] = played.plugin.data.followed;
    const gone = { draft: "d1", path: "", note: "", span: { start: 0, end: 0 }, sent: "", gone: clock };
    played.plugin.data.followed = followed ? [gone] : [];
    await played.plugin.store();
    await arrives(before);
    await played.plugin.store();
    expect(JSON.stringify(file())).not.toContain("Of d1");
  });
});
