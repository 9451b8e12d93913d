/** The review pane when something fails, is done twice, or is left: no words and no judgement are lost, and nothing is written twice. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as fake from "./obsidian/index";
import { AFTER, BATCH, Memory, NOTE, PATH, Played, cards, hash, press, settle } from "./played";

let played: Played;

beforeEach(async () => {
  fake.Plugin.data = null;
  fake.Notice.shown = [];
  fake.Modal.open = [];
  played = new Played(new Memory({ [PATH]: NOTE, "Other.md": "x\n" }));
  await played.start();
  const start = Buffer.byteLength(NOTE.slice(0, NOTE.indexOf("## Troubles") - 1));
  played.server.answer = (route, body) => {
    if (route !== "POST /api/drafts/d1/accept/preview") return undefined;
    const inserted = `\n${String(body.final_text ?? "- One fact.")}\n`;
    const before = (body.seen as { text: string }).text;
    return { draft_id: "d1", broken: [], namesakes: [], note_path: PATH, under: "Beginnings", before_hash: hash(before), after_hash: "", diff: "", inserted, start, created: false };
  };
});

afterEach(() => played.stop());

const note = (): fake.TFile => {
  const file = played.app.vault.getFileByPath(PATH);
  if (!file) throw new Error("no note");
  return file;
};
const pane = (): HTMLElement | null => document.querySelector<HTMLElement>(".notewright-review");
const key = (name: string): void => void pane()?.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
const place = (...order: number[]): void => {
  for (const at of order) cards()[at]?.querySelector<HTMLElement>(".notewright-body")?.click();
};
const click = async (text: string): Promise<void> => {
  const within = fake.Modal.open[0]?.contentEl ?? document;
  [...within.querySelectorAll("button")].find((button) => button.textContent === text)?.click();
  await settle();
};
const type = (tag: "textarea" | "input", text: string): void => {
  const field = fake.Modal.open[0]?.contentEl.querySelector(tag);
  if (!field) throw new Error(`there is no ${tag}`);
  field.value = text;
  field.dispatchEvent(new Event("input"));
};
const typed = (tag: "textarea" | "input"): string | undefined => fake.Modal.open[0]?.contentEl.querySelector(tag)?.value;

describe("words of the person's own", () => {
  const WORDS = "- Ten minutes of my words.";
  it("are there again when accepting fails, whatever is pressed next, and are gone once they are in the note", async () => {
    await played.drafted();
    played.failing("/accept/preview");
    press(0, "Edit");
    type("textarea", WORDS);
    await click("Accept");
    expect(fake.Notice.shown).toHaveLength(1);
    press(0, "Edit");
    expect(typed("textarea")).toBe(WORDS);
    await click("Cancel");
    played.mended();
    press(0, "Accept");
    expect(typed("textarea")).toBe(WORDS);
    await click("Accept");
    expect(played.disk.files[PATH]).toBe(AFTER.replace("- One fact.", WORDS));
    expect(played.server.of("/insertions")).toMatchObject([{ final_text: WORDS }]);
    press(0, "Edit");
    expect(typed("textarea")).toBe("- One fact.");
  });
  it("go into the note that the draft was for, whatever is drafted meanwhile", async () => {
    await played.drafted();
    played.server.answers["GET /api/notes"] = { total: 1, notes: [{ path: "Other.md", title: "Other", aliases: [], pairs: 1 }] };
    let next = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (next = resolve));
    const { api } = played.plugin;
    const queue = api.queue.bind(api);
    api.queue = (limit) => waiting.then(() => queue(limit));
    await played.command("next-in-queue");
    press(0, "Edit");
    next();
    await settle();
    type("textarea", WORDS);
    await click("Accept");
    expect(played.disk.files).toEqual({ [PATH]: AFTER.replace("- One fact.", WORDS), "Other.md": "x\n" });
  });
  it("are there again after Escape", async () => {
    await played.drafted();
    press(0, "Edit");
    type("textarea", WORDS);
    fake.Modal.open[0]?.close();
    press(1, "Edit");
    expect(typed("textarea")).toBe("- Two.");
    fake.Modal.open[0]?.close();
    press(0, "Edit");
    expect(typed("textarea")).toBe(WORDS);
    type("textarea", "- One fact.");
    await click("Cancel");
    press(0, "Accept");
    await settle();
    expect(played.disk.files[PATH]).toBe(AFTER);
  });
  it("that were typed while the draft itself was on its way are there afterwards", async () => {
    await played.drafted();
    press(0, "Accept");
    press(0, "Edit");
    type("textarea", WORDS);
    await settle();
    expect(played.disk.files[PATH]).toBe(AFTER);
    await click("Accept");
    expect(fake.Notice.shown.at(-1)).toContain("already");
    press(0, "Edit");
    expect(typed("textarea")).toBe(WORDS);
  });
  it("stay in a comment that could not be sent, and after Escape", async () => {
    const ask = async (): Promise<void> => {
      press(0, "Comment");
      void fake.Menu.last.find((item) => item.title.startsWith("In your own"))?.act();
      await settle();
    };
    await played.drafted();
    played.failing("/comments");
    await ask();
    type("input", "far too flowery");
    await click("Send");
    expect(fake.Notice.shown).toHaveLength(1);
    expect(typed("input")).toBe("far too flowery");
    fake.Modal.open[0]?.close();
    await settle();
    played.mended();
    await ask();
    expect(typed("input")).toBe("far too flowery");
    fake.Modal.open[0]?.contentEl.querySelector("input")?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true }));
    expect(fake.Modal.open).toHaveLength(1);
    fake.Modal.open[0]?.contentEl.querySelector("input")?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    await settle();
    expect(played.server.of("/comments")).toMatchObject([{ draft_id: "d1", text: "far too flowery" }]);
    await ask();
    expect(typed("input")).toBe("");
  });
});

describe("a ranking", () => {
  it("that did not arrive can be sent again, and one that did is sent once", async () => {
    await played.drafted();
    place(1);
    played.failing("/ranking");
    await click("Send ranking");
    expect(fake.Notice.shown).toHaveLength(1);
    key("Enter");
    await settle();
    expect(fake.Notice.shown).toHaveLength(2);
    played.mended();
    await click("Send ranking");
    key("Enter");
    await settle();
    expect(played.server.of("/ranking")).toMatchObject([{ order: [["d2"]] }]);
  });
  it.each([
    ["the next command", () => played.command("draft-section")],
    ["the pane is closed", () => played.app.workspace.getLeavesOfType("notewright-review")[0]?.detach()],
  ])("of all is sent before %s", async (_, leave) => {
    await played.drafted();
    place(1, 0);
    await leave();
    await settle();
    expect(played.server.of("/ranking")).toMatchObject([{ order: [["d2"], ["d1"]] }]);
    const order = played.server.told.map((item) => item.route);
    if (cards().length) expect(order.indexOf("POST /api/batches/b1/ranking")).toBeLessThan(order.lastIndexOf("POST /api/drafts"));
    await new Promise((resolve) => setTimeout(resolve, 1300));
    expect(played.server.of("/ranking")).toHaveLength(1);
  });
  it("of some is not sent by itself", async () => {
    await played.drafted();
    place(1);
    await played.command("draft-section");
    expect(played.server.of("/ranking")).toEqual([]);
  });
});

describe("a rejection", () => {
  it("takes the draft out of the ranking, which says so, until it is placed again", async () => {
    await played.drafted();
    place(1, 0);
    press(1, "Reject");
    await settle();
    expect(cards()[1]?.classList.contains("notewright-rejected")).toBe(true);
    await click("Send ranking");
    expect(played.server.of("/ranking").at(-1)).toMatchObject({ order: [["d1"]], rejected: ["d2"] });
    place(1);
    expect(cards()[1]?.classList.contains("notewright-rejected")).toBe(false);
    await click("Send ranking");
    expect(played.server.of("/ranking").at(-1)).toMatchObject({ order: [["d1"], ["d2"]], rejected: [] });
  });
  it("that did not arrive is not shown as one", async () => {
    await played.drafted();
    place(1, 0);
    played.failing("/decisions");
    press(1, "Reject");
    await click("Reject all");
    expect(fake.Notice.shown).toHaveLength(2);
    expect(document.querySelector(".notewright-rejected")).toBeNull();
    await click("Send ranking");
    expect(played.server.of("/ranking").at(-1)).toMatchObject({ order: [["d2"], ["d1"]], rejected: [] });
    played.mended();
    await click("Reject all");
    expect(shownRejected()).toEqual([true, true]);
  });
  const shownRejected = (): boolean[] => cards().map((card) => card.classList.contains("notewright-rejected"));
  it("of all takes the place of the order, which is neither shown nor sent any more", async () => {
    await played.drafted();
    place(1, 0);
    await click("Reject all");
    expect(cards().map((card) => card.querySelector(".notewright-badge")?.textContent)).toEqual(["1", "2"]);
    await new Promise((resolve) => setTimeout(resolve, 1300)); // until a whole order would be sent by itself
    await settle();
    expect(played.server.told.map(({ route }) => route).filter((route) => /ranking|decisions/.test(route))).toEqual(["POST /api/decisions"]);
  });
  it("of all is shown no longer of one that is placed afterwards", async () => {
    await played.drafted();
    await click("Reject all");
    place(1);
    expect(shownRejected()).toEqual([true, false]);
    await click("Send ranking");
    expect(played.server.of("/ranking").at(-1)).toMatchObject({ order: [["d2"]], rejected: ["d1"] });
  });
});

describe("accepting twice", () => {
  const count = (): number => (played.disk.files[PATH] ?? "").split("One fact.").length - 1;
  it.each([
    ["by two clicks", () => [press(0, "Accept"), press(0, "Accept")]],
    ["by two keys", () => [key("a"), key("a")]],
    ["by a click and a key", () => [press(0, "Accept"), key("a")]],
  ])("%s writes once", async (_, twice) => {
    for (const atCursor of [false, true]) {
      played.stop();
      await played.start();
      played.disk.files[PATH] = NOTE;
      await played.drafted(atCursor ? 0 : 4);
      if (atCursor) {
        await click("Beginnings (2)");
        expect(cards()).toHaveLength(2);
      }
      twice();
      await settle();
      expect(count()).toBe(1);
      expect(fake.Notice.shown).toEqual([`Inserted into ${PATH}.`]);
      fake.Notice.shown = [];
      fake.Plugin.data = null;
    }
  });
  it("is refused while the draft stands in the note, and possible once it was taken out", async () => {
    const view = await played.drafted();
    press(0, "Accept");
    await settle();
    press(0, "Accept");
    await settle();
    expect(count()).toBe(1);
    expect(fake.Notice.shown.at(-1)).toBe(`This draft is in ${PATH} already. Nothing was written; take it out there to accept it again.`);
    view.editor.setValue(NOTE);
    press(0, "Accept");
    await settle();
    expect(played.disk.files[PATH]).toBe(AFTER);
    expect(played.server.of("/insertions")).toHaveLength(2);
    expect(played.plugin.data.followed).toHaveLength(1);
  });
});

describe("a note that gets another name while its drafts are read", () => {
  it.each([
    ["it", () => played.app.vault.rename(note(), "Books/Slow.md"), "Books/Slow.md"],
    ["its folder", () => (played.app.vault.trigger("rename", { path: "Read" }, "Books"), played.app.vault.rename(note(), `Read/${PATH.slice(6)}`)), `Read/${PATH.slice(6)}`],
  ])("gets the draft under that: %s", async (_, rename, path) => {
    const view = await played.drafted();
    const { answer } = played.server;
    played.server.answer = (route, body) => {
      const planned = answer(route, body) as Record<string, unknown> | undefined;
      return route.endsWith("/preview") ? { ...planned, note_path: String(body.into), created: (body.seen as { text: string | null }).text === null } : planned;
    };
    press(0, "Edit");
    await rename();
    expect(view.file?.path).toBe(path);
    await click("Accept");
    expect(fake.Notice.shown).toEqual([`Inserted into ${path}.`]);
    expect(played.disk.files).toEqual({ [path]: AFTER, "Other.md": "x\n" });
  });
});

describe("keys", () => {
  const writing = (): Promise<void> => {
    const note = document.body.appendChild(document.createElement("textarea"));
    const { answer } = played.server;
    played.server.answer = (route, body) => {
      if (route === "POST /api/drafts") note.focus(); // the person goes on in the note while they are written
      return answer(route, body);
    };
    return played.drafted().then(() => undefined);
  };
  it("stay with the note in which the person writes when the drafts are there", async () => {
    await writing();
    expect(cards()).toHaveLength(2);
    expect(document.activeElement?.tagName).toBe("TEXTAREA");
  });
  it("are the pane's from the command on", async () => {
    await played.drafted();
    expect(document.activeElement).toBe(pane());
  });
  describe("while the first answers are on their way", () => {
    const asked = async (command: string, route: string, act: (note: HTMLElement) => void): Promise<HTMLElement> => {
      const note = document.body.appendChild(document.createElement("textarea"));
      note.focus();
      let answer = (): void => undefined;
      vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
        if (new URL(url).pathname === route) await new Promise<void>((resolve) => (answer = resolve));
        return played.server.fetch(url, init);
      });
      const shown = vi.spyOn(fake.WorkspaceLeaf.prototype, "setViewState");
      if (command === "draft-section") await played.drafted();
      else await played.command(command);
      act(note);
      answer();
      await settle();
      expect(cards()).toHaveLength(2);
      expect(shown.mock.calls.at(-1)?.[0]).toEqual({ type: "notewright-review", active: document.activeElement !== note });
      shown.mockRestore();
      return note;
    };
    it.each([["draft-section", "/api/sources"], ["next-in-queue", "/api/queue"]])("stay with the note in which the person types: %s", async (command, route) => {
      const note = await asked(command, route, (field) => field.dispatchEvent(new KeyboardEvent("keydown", { key: "x", bubbles: true })));
      expect(document.activeElement).toBe(note);
    });
    it("are the pane's where the person waits, the key of the command still held down", async () => {
      await asked("draft-section", "/api/sources", (field) => field.dispatchEvent(new KeyboardEvent("keydown", { key: "d", bubbles: true, repeat: true })));
      expect(document.activeElement).toBe(pane());
    });
  });
  it("that are held down count once", async () => {
    await played.drafted();
    key("2");
    pane()?.dispatchEvent(new KeyboardEvent("keydown", { key: "2", bubbles: true, repeat: true }));
    expect(cards()[1]?.classList.contains("is-best")).toBe(true);
  });
});

it("a link in a draft is followed and ranks nothing", async () => {
  await played.drafted();
  const link = document.createElement("a");
  cards()[0]?.querySelector(".notewright-body")?.append(link);
  link.click();
  expect(document.querySelector(".is-placed")).toBeNull();
});

it("tells which draft a key means and which place it has, to eye and ear", async () => {
  await played.drafted();
  place(1);
  const badges = (): (string | null | undefined)[] => cards().map((card) => card.querySelector(".notewright-badge")?.textContent);
  const names = (): (string | null)[] => cards().map((card) => card.getAttribute("aria-label"));
  expect([badges(), names()]).toEqual([["1", "2 · best"], ["Draft 1", "Draft 2, best"]]);
  place(0);
  expect([badges(), names()]).toEqual([["1 · 2nd", "2 · best"], ["Draft 1, 2nd", "Draft 2, best"]]);
  press(0, "Reject");
  await settle();
  expect(names()).toEqual(["Draft 1, rejected", "Draft 2, best"]);
});

describe("fewer drafts than were asked for", () => {
  it.each([["2 of 3: of 4 written, 2 were the same text as another."], [""]])("are explained in the server's words (%s)", async (fewer) => {
    const answer = played.server.answer;
    played.server.answer = (route, body) => (route === "POST /api/drafts" ? { ...BATCH, parts: fewer && "In 2 parts.", fewer } : answer(route, body));
    await played.drafted();
    const lines = [...document.querySelectorAll(".notewright-head p")].map((line) => line.textContent);
    expect(lines.slice(1)).toEqual(fewer ? ["In 2 parts.", fewer] : []);
  });
});

describe("where the plain base stood in", () => {
  const [first, second] = BATCH.drafts;
  it.each([
    [["model-3", "model-2"], "As what model-2 and model-3 wrote has problems, the plain base (base) was asked too."],
    [["base", "model-2"], ""],
  ])("it says so once, and not which drafts are its own (%s)", async (versions, told) => {
    const turn = { versions };
    const drafts = [{ ...first, model_id: "model-2", sampling: { turn } }, { ...second, model_id: "base", sampling: { turn } }];
    const answer = played.server.answer;
    played.server.answer = (route, body) => (route === "POST /api/drafts" ? { ...BATCH, model_id: "base and model-2", drafts } : answer(route, body));
    await played.drafted();
    const lines = [...document.querySelectorAll(".notewright-head p")].map((line) => line.textContent);
    expect(lines.slice(1)).toEqual(told ? [told] : []);
    expect(cards().map((card) => card.outerHTML).join()).not.toMatch(/model-|base/);
  });
});

describe("a draft that copies what others wrote", () => {
  it("is shown without anything that runs or is fetched, and goes into the note as it is", async () => {
    const text = "- One `$= dv.run()` ![](https://x.org/a.png)\n\n```dataviewjs\ndv.run()\n```";
    const shown: string[] = [];
    const { render } = fake.MarkdownRenderer;
    fake.MarkdownRenderer.render = (app, markdown, ...rest) => {
      shown.push(markdown);
      return render(app, markdown, ...rest);
    };
    try {
      const { answer } = played.server;
      const drafts = [{ ...BATCH.drafts[0], text }];
      played.server.answer = (route, body) => (route === "POST /api/drafts" ? { ...BATCH, drafts } : answer(route, body));
      await played.drafted();
      expect(shown.length).toBeGreaterThan(0);
      expect(shown.join("\n")).not.toMatch(/`\$=|!\[|dataviewjs/);
      press(0, "Edit");
      expect(typed("textarea")).toBe(text);
    } finally {
      fake.MarkdownRenderer.render = render;
    }
  });
});
