/** Many passages in one long note: what is kept of them, and what a look at them writes. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as fake from "./obsidian/index";
import { Memory, PATH, Played, settle } from "./played";

let played: Played;
const MANY = 60;
const section = (number: number): string =>
  `## Part ${number}\n${Array.from({ length: 20 }, (_, line) => `- Point ${number}.${line} says something of some eighty letters about the things of this chapter.`).join("\n")}`;

beforeEach(async () => {
  fake.Plugin.data = null;
  fake.Notice.shown = [];
  played = new Played(new Memory({ [PATH]: "# The Slow River\n", "Other.md": "x\n" }));
  await played.start();
});

afterEach(() => played.stop());

const note = (): string => played.disk.files[PATH] ?? "";
const write = async (text: string): Promise<void> => {
  const file = played.app.vault.getFileByPath(PATH);
  if (file) await played.app.vault.modify(file, text);
};
const told = (): unknown[] => played.server.of("/later-edits").map((body) => [body.before, body.after]);

async function insert(number: number): Promise<void> {
  const inserted = `\n${section(number)}\n`;
  const start = note().length;
  await write(note() + inserted);
  const file = played.app.vault.getFileByPath(PATH);
  if (!file) throw new Error("no file");
  const insertion = { draft_id: `d${number}`, note_path: PATH, start, inserted, created: false, final_text: null, seconds: null };
  await played.plugin.following.tell({ insertion, file: file as never, note: note(), span: { start: start + 1, end: start + inserted.length - 1 } }, null);
}

async function look(): Promise<{ saves: number; bytes: number }> {
  const saved = vi.spyOn(played.plugin, "saveData");
  await played.app.workspace.openNote(PATH);
  await played.command("log-edits");
  const sizes = saved.mock.calls.map(([data]) => JSON.stringify(data).length);
  saved.mockRestore();
  return { saves: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

describe("many passages of one note", () => {
  it("are kept with one text of it, and a look saves once for all and once for what it sent", async () => {
    for (let number = 0; number < MANY; number++) await insert(number);
    const size = (): number => JSON.stringify(fake.Plugin.data).length;
    expect(size()).toBeLessThan(2.5 * note().length); // the note, and what was told of each passage
    await write(note().replace("Point 3.3", "Point three"));
    const looked = await look();
    expect(told()).toEqual([[section(3), section(3).replace("Point 3.3", "Point three")]]);
    expect(looked.saves).toBe(2);
    expect(looked.bytes).toBeLessThan(5 * note().length);
    expect(await look()).toEqual({ saves: 0, bytes: 0 });
    await write(`Mine.\n\n${note()}`);
    expect((await look()).saves).toBe(1);
    expect(told()).toHaveLength(1);
    expect(size()).toBeLessThan(2.5 * note().length);
  });
  it("are each followed after the next was put before or beside them, and after a restart", async () => {
    for (let number = 0; number < 3; number++) await insert(number);
    await write(note().replace(`${section(0)}\n\n`, "").replace("Point 1.5", "Point one"));
    await insert(3);
    played.stop();
    await played.start(played.app);
    await look();
    expect(told()).toEqual([[section(0), ""], [section(1), section(1).replace("Point 1.5", "Point one")]]);
  });
  it("are not told as edits of each other where the next took the place of one that was deleted", async () => {
    await insert(0);
    await write("# The Slow River\n");
    await insert(1);
    await look();
    await write(note().replace("Point 1.5", "Point one"));
    await look();
    expect(told()).toEqual([[section(0), ""], [section(1), section(1).replace("Point 1.5", "Point one")]]);
  });
  it("that an earlier version kept, each with the whole note, are read and followed on", async () => {
    const before = `# The Slow River\n\n${section(0)}\n`;
    const after = `${before}\n${section(1)}\n`;
    const kept = (number: number, text: string): object => {
      const start = text.indexOf(section(number));
      return { draft: `d${number}`, path: PATH, note: text, span: { start, end: start + section(number).length }, sent: section(number) };
    };
    played.stop();
    fake.Plugin.data = { settings: played.plugin.settings, followed: [kept(0, before), kept(1, after)], outbox: [] };
    await write(after.replace("Point 0.7", "Point seven").replace("Point 1.7", "Point eight"));
    await played.start(played.app);
    await look();
    expect(told()).toEqual([[section(0), section(0).replace("Point 0.7", "Point seven")], [section(1), section(1).replace("Point 1.7", "Point eight")]]);
    expect(fake.Plugin.data).toMatchObject({ notes: [note()], followed: [{ draft: "d0", note: 0 }, { draft: "d1", note: 0 }] });
  });
  it("are looked at again where the note could not be read for a moment", async () => {
    await insert(0);
    await write(note().replace("Point 0.3", "Point three"));
    played.plugin.settings.quietSeconds = -1;
    const { read } = played.disk;
    let fails = 1;
    played.disk.read = (path) => (path === PATH && fails-- > 0 ? Promise.reject(new Error("EBUSY")) : read(path));
    for (let turn = 0; turn < 3; turn++) await played.plugin.following.look(false);
    expect(told()).toEqual([[section(0), section(0).replace("Point 0.3", "Point three")]]);
  });
  it("are told by the command as they were typed, saved or not", async () => {
    await insert(0);
    const view = await played.app.workspace.openNote(PATH);
    view.editor.setValue(note().replace("Point 0.3", "Point three"));
    await played.command("log-edits");
    expect(told()).toEqual([[section(0), section(0).replace("Point 0.3", "Point three")]]);
    await view.save();
    await played.command("log-edits");
    expect(told()).toHaveLength(1);
  });
  it("are not saved because some other note was renamed", async () => {
    await insert(0);
    const saved = vi.spyOn(played.plugin, "saveData");
    const other = played.app.vault.getFileByPath("Other.md");
    if (other) await played.app.vault.rename(other, "Another.md");
    await settle();
    expect(saved).not.toHaveBeenCalled();
  });
  describe("during a look", () => {
    /** What happens while the second note is read, in which a passage that left the first one may stand now. */
    const meanwhile = (act: () => Promise<void>): void => {
      const { read } = played.disk;
      let isLooking = false;
      played.disk.read = async (path) => {
        const text = await read(path);
        if (path === "Other.md" && isLooking) {
          played.disk.read = read;
          await act();
        }
        isLooking ||= path === PATH;
        return text;
      };
    };
    const begin = async (): Promise<void> => {
      await insert(0);
      await insert(1);
      played.plugin.settings.quietSeconds = -1;
      const other = played.app.vault.getFileByPath("Other.md");
      if (other) await played.app.vault.modify(other, "y\n");
      await played.plugin.following.look(false);
      await write(note().replace(`${section(0)}\n\n`, "").replace("Point 1.5", "Point one"));
    };
    const ONCE = [[section(0), ""], [section(1), section(1).replace("Point 1.5", "Point one")]];
    const rename = async (from: string, to: string): Promise<void> => {
      const file = played.app.vault.getFileByPath(from);
      if (!file) throw new Error(`no ${from}`);
      await played.app.vault.rename(file, to);
    };

    it("are told once where their note gets another name, and are followed under that", async () => {
      await begin();
      meanwhile(() => rename(PATH, "River.md"));
      for (let turn = 0; turn < 2; turn++) await played.plugin.following.look(false);
      await settle();
      played.disk.files["River.md"] = played.disk.files["River.md"]?.replace("Point 1.7", "Point seven") ?? "";
      played.plugin.following.noteChanged("River.md");
      await played.plugin.following.look(false);
      const now = section(1).replace("Point 1.5", "Point one");
      expect(told()).toEqual([...ONCE, [now, now.replace("Point 1.7", "Point seven")]]);
      expect(played.server.of("/later-edits").at(-1)?.note_path).toBe("River.md");
    });
    it("are told once where the person asks for a look of their own", async () => {
      await begin();
      await played.app.workspace.openNote(PATH);
      meanwhile(() => played.plugin.following.look(true));
      for (let turn = 0; turn < 2; turn++) await played.plugin.following.look(false);
      await settle();
      expect(told()).toEqual(ONCE);
    });
    it("of which the note is deleted are told once, and the rest of it is told as deleted in the end", async () => {
      await begin();
      const file = played.app.vault.getFileByPath(PATH);
      meanwhile(() => played.app.vault.delete(file as fake.TFile));
      for (let turn = 0; turn < 2; turn++) await played.plugin.following.look(false);
      await settle();
      expect(told()).toEqual(ONCE);
      const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_000);
      await played.plugin.following.look(false);
      await settle();
      clock.mockRestore();
      expect(told()).toEqual([...ONCE, [section(1).replace("Point 1.5", "Point one"), ""]]);
    });
  });
});
