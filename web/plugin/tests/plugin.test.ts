/** Commands, review pane, insertion, later edits, faults. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as fake from "./obsidian/index";
import { AFTER, BATCH, CHAPTER, HIGHLIGHT, Memory, NOTE, PATH, Played, SOURCE, cards, hash, press, settle } from "./played";

let played: Played;

beforeEach(async () => {
  fake.Plugin.data = null;
  fake.Notice.shown = [];
  played = new Played(new Memory({ [PATH]: NOTE, "Other.md": "x\n" }));
  await played.start();
});

afterEach(() => played.stop());

describe("drafting", () => {
  it("takes the source from the note and the chapter from the heading under the cursor", async () => {
    await played.drafted();
    expect(played.server.of("/api/drafts")[0]).toMatchObject({ source: "s1", chapter: "Beginnings", n: 3, stream: true });
    expect(cards().map((card) => card.querySelector(".notewright-body")?.textContent)).toEqual(["One fact.", "Two."]);
    expect(document.querySelector(".notewright-head")?.textContent).toContain("The Slow River · Beginnings");
  });
  it("asks where the note does not tell", async () => {
    await played.app.workspace.openNote("Other.md");
    await played.command("draft-section");
    fake.Modal.open[0]?.contentEl.querySelector("button")?.click();
    await settle();
    fake.Modal.open[0]?.contentEl.querySelectorAll("button")[1]?.click();
    await settle();
    expect(played.server.of("/api/drafts")[0]).toMatchObject({ source: "s1", chapter: "Troubles" });
  });
  it("uses the highlights that the selection quotes", async () => {
    const view = await played.app.workspace.openNote(PATH);
    view.editor.select("As they say: Rivers are slow.");
    await played.command("draft-from-selection");
    expect(played.server.of("/api/drafts")[0]).toMatchObject({ highlight_ids: ["h1"] });
  });
  it("leaves it to the server what to write about in a source without chapters, and names what was picked by hand", async () => {
    const loose = { ...CHAPTER, chapter: "", highlight_ids: ["h1", "h2"] };
    played.server.answers["GET /api/queue"] = { total: 1, chapters: [loose] };
    played.server.answers["GET /api/sources/s1"] = { source: SOURCE, chapters: [loose], highlights: [HIGHLIGHT] };
    await played.command("next-in-queue");
    await played.drafted();
    const view = await played.app.workspace.openNote(PATH);
    view.editor.select("Rivers are slow.");
    await played.command("draft-from-selection");
    const sent = played.server.of("/api/drafts").filter((body) => body.source);
    expect(sent.map((body) => [body.source, body.chapter, body.highlight_ids])).toEqual([
      ["s1", "", undefined], ["s1", "", undefined], ["s1", undefined, ["h1"]],
    ]);
  });
  /** The first answer of this comes when the function that is returned is called; later ones come at once. */
  const held = (name: "sources" | "queue"): (() => Promise<void>) => {
    const { api } = played.plugin;
    const known = api[name].bind(api) as () => Promise<unknown>;
    let goOn = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (goOn = resolve));
    const late = (): Promise<unknown> => {
      Object.assign(api, { [name]: known });
      return waiting.then(known);
    };
    Object.assign(api, { [name]: late });
    return async () => {
      goOn();
      await settle();
    };
  };
  it("takes the heading where the cursor was, wherever the person goes while the server answers", async () => {
    const goOn = held("sources");
    const view = await played.drafted();
    view.editor.setCursor({ line: 8, ch: 0 });
    await goOn();
    expect(played.server.of("/api/drafts")[0]).toMatchObject({ chapter: "Beginnings" });
    expect(document.querySelector(".notewright-head")?.textContent).toContain("The Slow River · Beginnings");
  });
  it("is what was asked for last, though an answer to what was asked before comes later", async () => {
    const goOn = held("queue");
    await played.command("next-in-queue");
    await played.drafted(8);
    await goOn();
    expect(played.server.of("/api/drafts").filter((body) => body.source).map((body) => body.chapter)).toEqual(["Troubles"]);
  });
  it("goes to the next in the queue", async () => {
    await played.command("next-in-queue");
    expect(played.server.of("/api/drafts")[0]).toMatchObject({ source: "s1", chapter: "Beginnings" });
  });
  it("asks for what has no chapter as it does for a chapter, so that neither the whole source is drafted nor a rule passed over", async () => {
    const loose = { ...CHAPTER, chapter: "", highlight_ids: ["p0", "p1"] };
    played.server.answers["GET /api/queue"] = { total: 1, chapters: [loose] };
    played.server.answers["GET /api/sources/s1"] = { source: SOURCE, chapters: [loose, CHAPTER], highlights: [] };
    await played.command("next-in-queue");
    await played.app.workspace.openNote("Other.md");
    await played.command("draft-section");
    fake.Modal.open[0]?.contentEl.querySelector("button")?.click();
    await settle();
    expect(fake.Modal.open[0]?.contentEl.querySelector("button")?.textContent).toBe("Without a chapter (2)");
    fake.Modal.open[0]?.contentEl.querySelector("button")?.click();
    await settle();
    const sent = played.server.of("/api/drafts").filter((body) => body.source);
    expect(sent.map((body) => [body.chapter, body.highlight_ids])).toEqual([["", undefined], ["", undefined]]);
  });
});

describe("judging", () => {
  it("ranks by clicks and keys, with ties, and sends once all are placed", async () => {
    await played.drafted();
    cards()[1]?.querySelector<HTMLElement>(".notewright-body")?.click();
    const pane = document.querySelector<HTMLElement>(".notewright-review");
    pane?.dispatchEvent(new KeyboardEvent("keydown", { key: "1", bubbles: true }));
    pane?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await settle();
    expect(played.server.of("/ranking")[0]).toMatchObject({ order: [["d2"], ["d1"]] });
    pane?.dispatchEvent(new KeyboardEvent("keydown", { key: "=", bubbles: true }));
    pane?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await settle();
    expect(played.server.of("/ranking").at(-1)).toMatchObject({ order: [["d2", "d1"]] });
  });
  it("does not say which version wrote which draft", async () => {
    const drafts = BATCH.drafts.map((draft, index) => ({ ...draft, model_id: `model-${index + 1}` }));
    played.server.answer = (route) => (route === "POST /api/drafts" ? { ...BATCH, model_id: "model-1 and model-2", drafts } : undefined);
    await played.drafted();
    expect(cards()).toHaveLength(2);
    expect(cards().map((card) => card.outerHTML).join()).not.toContain("model-");
  });
  it("ranks by dragging one draft onto another's place", async () => {
    await played.drafted();
    const [first, second] = cards();
    first?.querySelector<HTMLElement>(".notewright-body")?.click();
    const carried = new Map<string, string>();
    const dataTransfer = { setData: (kind: string, text: string) => carried.set(kind, text), getData: (kind: string) => carried.get(kind) };
    const drag = (name: string): Event => Object.assign(new Event(name, { bubbles: true, cancelable: true }), { dataTransfer });
    second?.dispatchEvent(drag("dragstart"));
    first?.dispatchEvent(drag("drop"));
    const button = [...document.querySelectorAll("button")].find((item) => item.textContent === "Send ranking");
    button?.click();
    await settle();
    expect(played.server.of("/ranking").at(-1)).toMatchObject({ order: [["d2"], ["d1"]] });
  });
  it("rejects all by a button too, where there are no keys", async () => {
    await played.drafted();
    [...document.querySelectorAll("button")].find((item) => item.textContent === "Reject all")?.click();
    await settle();
    expect(played.server.of("/api/decisions")).toMatchObject([{ decision: "reject_all", batch_id: "b1" }]);
  });
  it("leaves Enter to a button that has the focus", async () => {
    await played.drafted();
    const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
    cards()[0]?.querySelector("button")?.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
    document.querySelector(".notewright-review")?.dispatchEvent(new KeyboardEvent("keydown", { key: "1" }));
    const own = new KeyboardEvent("keydown", { key: "Enter", cancelable: true });
    document.querySelector(".notewright-review")?.dispatchEvent(own);
    expect(own.defaultPrevented).toBe(true);
  });
  it("rejects one, rejects all, comments by chip", async () => {
    await played.drafted();
    press(0, "Reject");
    document.querySelector(".notewright-review")?.dispatchEvent(new KeyboardEvent("keydown", { key: "0", bubbles: true }));
    press(1, "Comment");
    fake.Menu.last.find((item) => item.title === "invented")?.act();
    await settle();
    expect(played.server.of("/api/decisions")).toMatchObject([{ decision: "reject", draft_id: "d1" }, { decision: "reject_all", batch_id: "b1" }]);
    expect(played.server.of("/api/comments")).toMatchObject([{ draft_id: "d2", chips: ["invented"] }]);
  });
});

describe("provenance", () => {
  it("is told under the pointer: the highlight a block rests on, or that none says so", async () => {
    const rest = { highlight_id: "h1", score: 0.9, method: "quote", share: 1, alignments: [] };
    played.server.answer = (route, body) => {
      if (route !== "POST /api/provenance") return undefined;
      expect(body.highlight_ids).toEqual(["h1"]);
      return [{ start: 0, end: 11, kind: "bullet", rests: String(body.text).includes("One") ? [rest] : [] }];
    };
    await played.drafted();
    const [first, second] = cards().map((card) => card.querySelector(".notewright-body li"));
    expect(first?.getAttribute("aria-label")).toBe("“Rivers are slow.” (page 3)");
    expect(first?.classList.contains("notewright-rests")).toBe(true);
    expect(second?.getAttribute("aria-label")).toBe("No highlight says this.");
  });
  it("is told of highlights that came since a source was drafted last", async () => {
    const span = { start: 0, end: 11, kind: "bullet", rests: [{ highlight_id: "h3", alignments: [], remark: false }] };
    played.server.answers["POST /api/provenance"] = [span];
    await played.drafted();
    const more = { id: "h3", text: "One fact indeed.", chapter: "Beginnings", location_label: "" };
    played.server.answers["GET /api/sources/s1"] = { source: SOURCE, chapters: [CHAPTER], highlights: [HIGHLIGHT, more] };
    await played.drafted();
    expect(cards()[0]?.querySelector(".notewright-own")).toBeNull();
    expect(cards()[0]?.querySelector(".notewright-rests")).not.toBeNull();
  });
});

describe("accepting", () => {
  it("shows a draft with problems once more, and takes it then", async () => {
    previewed();
    const [first] = BATCH.drafts;
    played.server.answer = (route) => (route === "POST /api/drafts" ? { ...BATCH, drafts: [{ ...first, problems: ["it breaks off"] }] } : undefined);
    await played.drafted();
    press(0, "Accept");
    await settle();
    expect(played.server.of("/accept/preview")).toEqual([]);
    const modal = fake.Modal.open[0];
    expect(modal?.contentEl.textContent).toContain("it breaks off");
    [...(modal?.contentEl.querySelectorAll("button") ?? [])].find((button) => button.textContent === "Accept")?.click();
    await settle();
    expect(played.disk.files[PATH]).toBe(AFTER);
    expect(played.server.of("/insertions")).toMatchObject([{ final_text: null }]);
  });
  const previewed = (): void => {
    const start = Buffer.byteLength(NOTE.slice(0, NOTE.indexOf("## Troubles") - 1));
    played.server.answers["POST /api/drafts/d1/accept/preview"] = {
      draft_id: "d1", broken: [], namesakes: [], note_path: PATH, under: "Beginnings", before_hash: hash(NOTE), after_hash: hash(AFTER),
      diff: "", inserted: "\n- One fact.\n", start, created: false,
    };
  };

  it("changes only our span of the open note and tells the server", async () => {
    previewed();
    const view = await played.drafted();
    press(0, "Accept");
    await settle();
    expect(view.editor.getValue()).toBe(AFTER);
    expect(played.disk.files[PATH]).toBe(AFTER);
    expect(played.server.of("/accept/preview")[0]).toMatchObject({ into: PATH, under: "Beginnings" });
    expect(played.server.of("/insertions")).toMatchObject([
      { note_path: PATH, start: Buffer.byteLength(NOTE.slice(0, NOTE.indexOf("## Troubles") - 1)), inserted: "\n- One fact.\n", under: "Beginnings" },
    ]);
    expect(played.disk.files["Other.md"]).toBe("x\n");
  });
  it("writes nothing when the note is not as it was previewed", async () => {
    previewed();
    const view = await played.drafted();
    view.editor.setValue(`${NOTE}more\n`);
    press(0, "Accept");
    await settle();
    expect(view.editor.getValue()).toBe(`${NOTE}more\n`);
    expect(played.disk.files[PATH]).toBe(NOTE);
    expect(played.server.of("/insertions")).toEqual([]);
    expect(fake.Notice.shown.at(-1)).toContain("has changed. Nothing was written");
  });
  it("makes a note that is not there yet", async () => {
    played.server.answers["POST /api/drafts/d1/accept/preview"] = {
      draft_id: "d1", broken: [], namesakes: [], note_path: "New/The Slow River.md", under: "", before_hash: "", after_hash: "", diff: "", inserted: "- One fact.\n", start: 0, created: true,
    };
    await played.command("next-in-queue");
    press(0, "Accept");
    await settle();
    expect(played.disk.files["New/The Slow River.md"]).toBe("- One fact.\n");
  });
  it("keeps the news of an insertion while the server is away, and tells it once", async () => {
    previewed();
    await played.drafted();
    const real = played.server.fetch;
    vi.stubGlobal("fetch", (url: string, init?: RequestInit) => (url.includes("/insertions") ? Promise.reject(new TypeError("away")) : real(url, init)));
    press(0, "Accept");
    await settle();
    expect(played.server.of("/insertions")).toEqual([]);
    played.plugin.unload();
    vi.stubGlobal("fetch", real);
    await played.start();
    await played.command("log-edits");
    await played.command("log-edits");
    expect(played.server.of("/insertions")).toHaveLength(1);
  });
  it("says that what was logged waits while the server is away", async () => {
    previewed();
    const view = await played.drafted();
    press(0, "Accept");
    await settle();
    view.editor.setValue(AFTER.replace("One fact", "One fine fact"));
    played.server.up = false;
    await played.command("log-edits");
    expect(fake.Notice.shown.at(-1)).toBe("Logged 1 edited passage. The server is told once it answers.");
    played.server.up = true;
    await played.command("log-edits");
    expect(fake.Notice.shown.at(-1)).toBe("Nothing has changed in passages of mine here.");
    expect(played.server.of("/later-edits")).toHaveLength(1);
  });
  it.each([423, 424])("keeps the news of an insertion that the server cannot take now (%i)", async (status) => {
    previewed();
    await played.drafted();
    played.failing("/insertions", status);
    press(0, "Accept");
    await settle();
    expect(played.disk.files[PATH]).toBe(AFTER);
    expect(played.server.of("/insertions")).toEqual([]);
    played.mended();
    await played.command("log-edits");
    expect(played.server.of("/insertions")).toHaveLength(1);
  });

  it("tells what the passage became, after renames and edits elsewhere, once", async () => {
    previewed();
    const view = await played.drafted();
    press(0, "Accept");
    await settle();
    const file = view.file;
    if (!file) throw new Error("no file");
    await played.app.vault.rename(file, "Archive/River.md");
    view.editor.setValue(`Intro.\n\n${AFTER.replace("One fact.", "One *proven* fact.")}`);
    await view.save();
    await played.command("log-edits");
    await played.command("log-edits");
    expect(played.server.of("/later-edits")).toEqual([{ before: "- One fact.", after: "- One *proven* fact.", note_path: "Archive/River.md" }]);
  });

  describe("a passage that leaves its note", () => {
    const inserted = async (): Promise<fake.MarkdownView> => {
      previewed();
      const view = await played.drafted();
      press(0, "Accept");
      await settle();
      return view;
    };
    const told = (): unknown[] => played.server.of("/later-edits");
    const other = async (text: string): Promise<void> => {
      const file = played.app.vault.getFileByPath("Other.md");
      if (file) await played.app.vault.modify(file, text);
    };
    const rewrite = async (view: fake.MarkdownView, text: string): Promise<void> => {
      view.editor.setValue(text);
      await view.save();
    };
    /** Some minutes after the beginning something is done, and then nothing for a while. */
    const began = Date.now();
    const quietly = async (minutes: number, act: () => Promise<void>): Promise<void> => {
      const clock = vi.spyOn(Date, "now").mockReturnValue(began + 60_000 * minutes);
      await act();
      clock.mockReturnValue(began + 60_000 * (minutes + 1.1));
      await played.plugin.following.look(false);
      clock.mockRestore();
    };
    it("is followed into the note it was pasted into", async () => {
      const view = await inserted();
      view.editor.setValue(NOTE);
      await view.save();
      await other("x\n\n- One fact.\n");
      await played.command("log-edits");
      expect(told()).toEqual([]);
      expect(played.plugin.data.followed).toMatchObject([{ path: "Other.md", sent: "- One fact." }]);
    });
    it("is followed into a note that got another name before anybody looked", async () => {
      const view = await inserted();
      await quietly(0, async () => {
        await rewrite(view, NOTE);
        await other("x\n\n- One fact.\n");
        const file = played.app.vault.getFileByPath("Other.md");
        if (file) await played.app.vault.rename(file, "Another.md");
        await settle();
      });
      expect(told()).toEqual([]);
      expect(played.plugin.data.followed).toMatchObject([{ path: "Another.md", sent: "- One fact." }]);
    });
    it("is followed where it was copied just before it was deleted", async () => {
      const view = await inserted();
      await quietly(0, () => other("x\n\n- One fact.\n"));
      await quietly(5, () => rewrite(view, NOTE));
      expect(told()).toEqual([]);
      expect(played.plugin.data.followed).toMatchObject([{ path: "Other.md" }]);
    });
    it("has not moved into a note that had a copy long before, now or later, until that one loses it", async () => {
      const view = await inserted();
      await quietly(0, () => other("x\n\n- One fact.\n"));
      await quietly(30, () => other("x\n\n- One fact.\n\nMine.\n"));
      await quietly(31, () => rewrite(view, NOTE));
      expect(told()).toEqual([{ before: "- One fact.", after: "", note_path: PATH }]);
      await quietly(40, () => other("x\n\n- One fact.\n\nMine, and more.\n"));
      expect(told()).toHaveLength(1);
      await quietly(50, () => other("x\n"));
      await quietly(60, () => other("x\n\n- One fact.\n"));
      expect(told().slice(1)).toEqual([{ before: "", after: "- One fact.", note_path: "Other.md" }]);
    });
    it("has not moved into a note that had the text before it was inserted", async () => {
      await other("x\n\n- One fact.\n");
      const view = await inserted();
      await quietly(31, () => rewrite(view, NOTE));
      await quietly(40, () => other("x\n\n- One fact.\n\nMine.\n"));
      expect(told()).toEqual([{ before: "- One fact.", after: "", note_path: PATH }]);
    });
    it("is deleted, and found again when it is pasted later", async () => {
      const view = await inserted();
      view.editor.setValue(NOTE);
      await view.save();
      await played.command("log-edits");
      expect(told()).toEqual([{ before: "- One fact.", after: "", note_path: PATH }]);
      await played.command("log-edits");
      view.editor.setValue(`${NOTE}\n- One fact.\n`);
      await view.save();
      await played.command("log-edits");
      await played.command("log-edits");
      expect(told().slice(1)).toEqual([{ before: "", after: "- One fact.", note_path: PATH }]);
    });

    describe("as the note is deleted", () => {
      const file = (path = PATH): fake.TFile => {
        const found = played.app.vault.getFileByPath(path);
        if (!found) throw new Error(`no ${path}`);
        return found;
      };
      const remove = (): Promise<void> => played.app.vault.delete(file());
      const putBack = async (text: string, path = PATH): Promise<void> => void (await played.app.vault.create(path, text));
      const kept = (): string => JSON.stringify(fake.Plugin.data);
      const deleted = { before: "- One fact.", after: "", note_path: PATH };

      it("is told as deleted once the note has not come back, and no word of the note is kept", async () => {
        await inserted();
        await quietly(0, remove);
        expect([told(), kept().includes("One fact")]).toEqual([[], true]);
        await quietly(8, () => other("y\n"));
        expect(told()).toEqual([]);
        await quietly(10, () => other("z\n"));
        await quietly(20, () => other("y\n"));
        expect(told()).toEqual([deleted]);
        expect(kept()).not.toMatch(/fact|My words|Beginnings/);
        expect(JSON.stringify(played.plugin.data)).not.toMatch(/fact|My words|Beginnings/);
        await quietly(60, () => putBack(AFTER));
        expect(told().slice(1)).toEqual([{ before: "", after: "- One fact.", note_path: PATH }]);
      });
      it("with its folder, as well", async () => {
        await inserted();
        const folder = played.app.vault.getFolderByPath("Books");
        if (folder) await quietly(0, () => played.app.vault.delete(folder));
        await quietly(11, () => other("y\n"));
        expect(told()).toEqual([deleted]);
      });
      it("is followed on where a sync puts it back, edited or not", async () => {
        await inserted();
        await quietly(0, remove);
        await quietly(5, () => putBack(AFTER));
        expect(told()).toEqual([]);
        expect(played.plugin.data.followed).toEqual([expect.objectContaining({ path: PATH, note: AFTER, sent: "- One fact." })]);
        await quietly(20, remove);
        await quietly(21, () => putBack(AFTER.replace("One fact.", "Quite another thing.")));
        await quietly(40, () => other("y\n"));
        expect(told()).toEqual([{ before: "- One fact.", after: "- Quite another thing.", note_path: PATH }]);
      });
      it("is not taken for what another note of that name says", async () => {
        await inserted();
        await quietly(0, remove);
        await quietly(2, () => putBack("# A diary\n\nNothing of that.\n"));
        expect(told()).toEqual([deleted]);
        expect(kept()).not.toMatch(/fact|diary/);
      });
      it("is followed where another program moved the note, and by a rename onto its name", async () => {
        await inserted();
        await quietly(0, async () => {
          await remove();
          await putBack(AFTER, "Moved.md");
        });
        expect(played.plugin.data.followed).toMatchObject([{ path: "Moved.md" }]);
        await quietly(20, () => played.app.vault.delete(file("Moved.md")));
        await quietly(21, async () => {
          await putBack(AFTER, "Moved.md.tmp");
          await played.app.vault.rename(file("Moved.md.tmp"), "Moved.md");
        });
        await quietly(40, () => other("y\n"));
        expect(told()).toEqual([]);
        expect(played.plugin.data.followed).toMatchObject([{ path: "Moved.md", note: AFTER }]);
      });
      it("while Obsidian is closed, is told and forgotten", async () => {
        await inserted();
        played.stop();
        await played.disk.remove(PATH);
        await played.start(new fake.App(played.disk));
        await quietly(1, () => other("y\n"));
        expect(told()).toEqual([]);
        await quietly(20, () => other("z\n"));
        expect(told()).toEqual([deleted]);
        expect(kept()).not.toMatch(/fact|My words/);
      });
      it("is forgotten and not told where nothing is to be told", async () => {
        await inserted();
        played.plugin.settings.logEdits = false;
        await quietly(0, remove);
        await quietly(20, () => other("y\n"));
        expect([told(), played.plugin.data.followed]).toEqual([[], []]);
        expect(kept()).not.toMatch(/fact|My words/);
      });
    });
  });
});

describe("faults", () => {
  it("says in one notice what to do when nobody answers", async () => {
    played.server.up = false;
    await played.drafted();
    expect(fake.Notice.shown).toEqual(["No notewright server answers at http://127.0.0.1:8765. Start it with: notewright serve"]);
  });
  it("says what to do about a wrong token", async () => {
    played.server.status = 401;
    expect(await played.plugin.describeConnection()).toContain("Paste the link that notewright serve prints");
  });
  it("says so when the library is empty", async () => {
    played.server.answers["GET /api/sources"] = { total: 0, sources: [] };
    await played.drafted();
    expect(fake.Notice.shown[0]).toContain("no highlights yet");
  });
  it("has every command do something that can be seen", async () => {
    await played.command("open-review");
    expect(document.querySelector(".notewright-head")?.textContent).toContain("No drafts yet");
    await played.command("improve");
    expect(played.server.of("/api/improve")).toHaveLength(1);
    expect(fake.Notice.shown.at(-1)).toContain("Improving in the background");
    await played.command("status");
    expect(fake.Notice.shown.at(-1)).toMatch(/^Connected. 1 source, 2 highlights; drafts are written by model-2/);
    expect(document.querySelector("footer")?.textContent).toBe("Notewright: model-2");
    played.server.answers["GET /api/queue"] = { total: 0, chapters: [] };
    await played.command("next-in-queue");
    expect(fake.Notice.shown.at(-1)).toContain("Nothing is waiting");
    played.server.answers["GET /api/status"] = { counts: {}, current_model: "", next: "" };
    await played.command("next-in-queue");
    expect(fake.Notice.shown.at(-1)).toContain("The library has no highlights yet.");
    await played.command("log-edits");
    expect(fake.Notice.shown.at(-1)).toContain("Nothing has changed");
  });
  it("says what to do in one notice when the model runs out of memory, and goes on", async () => {
    const real = played.server.fetch;
    const error = 'event: error\ndata: {"status":424,"message":"There is too little memory.","hint":"Ask for fewer drafts.","problems":[]}\n\n';
    vi.stubGlobal("fetch", (url: string, init?: RequestInit) => (url.endsWith("/api/drafts") ? Promise.resolve(new Response(error)) : real(url, init)));
    await played.drafted();
    expect(document.querySelector(".notewright-head")?.textContent).toContain("There is too little memory. Ask for fewer drafts.");
    vi.stubGlobal("fetch", real);
    await played.command("draft-section");
    expect(cards()).toHaveLength(2);
  });
  it("shows in the status bar that the server has come, or gone, without being asked", async () => {
    const bar = (): string | null => played.plugin.bars[0]?.textContent ?? null;
    played.stop();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    try {
      played.server.up = false;
      await played.start();
      await vi.advanceTimersByTimeAsync(16_000);
      expect(bar()).toBe("Notewright: not connected");
      played.server.up = true;
      await vi.advanceTimersByTimeAsync(16_000);
      expect(bar()).toBe("Notewright: model-2");
      played.server.up = false;
      await vi.advanceTimersByTimeAsync(2000);
      expect(bar()).toBe("Notewright: not connected");
    } finally {
      vi.useRealTimers();
    }
  });
  it("shows in the status bar which version writes, as soon as it is another one", async () => {
    const bar = (): string | null => played.plugin.bars[0]?.textContent ?? null;
    const { server } = played;
    const use = (model: string): void => void (server.answers["GET /api/status"] = { counts: {}, current_model: model, next: "" });
    played.stop();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    try {
      await played.start();
      await vi.advanceTimersByTimeAsync(16_000);
      expect([bar(), server.listeners]).toEqual(["Notewright: model-2", 1]);
      use("model-3");
      server.publish("library", { changed: ["drafts", "events"] });
      await vi.advanceTimersByTimeAsync(0);
      expect(bar()).toBe("Notewright: model-2"); // nobody has asked
      server.publish("library", { changed: ["models"] });
      await vi.advanceTimersByTimeAsync(0);
      expect(bar()).toBe("Notewright: model-3");
      server.hangUp();
      await vi.advanceTimersByTimeAsync(2000); // with the next answer it is listened to again
      use("model-2");
      server.publish("hello", {});
      await vi.advanceTimersByTimeAsync(0);
      expect([bar(), server.listeners]).toEqual(["Notewright: model-2", 1]);
      await played.plugin.keeping.set({ address: "http://127.0.0.1:9000" });
      await vi.advanceTimersByTimeAsync(2000);
      expect(server.listeners).toBe(1); // the other one is listened to no more
      played.plugin.unload();
      await vi.advanceTimersByTimeAsync(2000);
      expect(server.listeners).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
  it("leaves nothing behind when it is unloaded", () => {
    played.plugin.unload();
    expect(document.querySelector("footer")).toBeNull();
    expect(played.app.workspace.makers.has("notewright-review")).toBe(false);
  });
});
