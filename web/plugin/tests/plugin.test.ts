/** The plugin on a vault in memory, with a server that is played: commands, review pane, insertion, later edits, faults. */

import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import NotewrightPlugin from "../src/main";
import * as fake from "./obsidian";

const SOURCE = { id: "s1", title: "The Slow River", author: "A. Writer", kind: "book", readwise_url: "", url: "" };
const HIGHLIGHT = { id: "h1", text: "Rivers are slow.", chapter: "Beginnings" };
const CHAPTER = { source_id: "s1", source_title: "The Slow River", chapter: "Beginnings", highlights: 2 };
const draft = (id: string, text: string): Record<string, unknown> => ({ id, text, problems: [], sampling: { written: 0 } });
const BATCH = { id: "b1", source_id: "s1", chapter: "Beginnings", model_id: "model-2", drafts: [draft("d1", "- One fact."), draft("d2", "- Two.")] };
const NOTE = "# The Slow River\n\n## Beginnings\n\nMy words.\n\n## Troubles\n\nMore.\n";
const AFTER = NOTE.replace("My words.\n", "My words.\n\n- One fact.\n");

interface Told {
  route: string;
  body: Record<string, unknown>;
}

class Server {
  told: Told[] = [];
  up = true;
  status = 0;
  answers: Record<string, unknown> = {
    "GET /api/health": { name: "notewright", version: "0.1.0", api: 1, boot: "x" },
    "GET /api/status": { counts: { sources: 1, highlights: 2 }, current_model: "model-2", next: "notewright draft" },
    "GET /api/sources": { total: 1, sources: [SOURCE] },
    "GET /api/sources/s1": { source: SOURCE, chapters: [CHAPTER, { ...CHAPTER, chapter: "Troubles" }], highlights: [HIGHLIGHT] },
    "GET /api/queue": { total: 1, chapters: [CHAPTER] },
    "GET /api/chips": ["too long", "invented"],
    "POST /api/drafts": BATCH,
  };

  readonly fetch = (url: string, init: RequestInit = {}): Promise<Response> => {
    if (!this.up) return Promise.reject(new TypeError("refused"));
    const route = `${init.method ?? "GET"} ${new URL(url).pathname}`;
    const body = init.body ? (JSON.parse(init.body as string) as Record<string, unknown>) : {};
    this.told.push({ route, body });
    if (this.status) return Promise.resolve(new Response(JSON.stringify({ message: "Please log in.", hint: "" }), { status: this.status }));
    if (route === "POST /api/drafts" && body.stream) {
      const text = `event: text\ndata: {"candidate":0,"text":"- One","replace":false}\n\nevent: done\ndata: ${JSON.stringify(BATCH)}\n\n`;
      return Promise.resolve(new Response(text));
    }
    return Promise.resolve(new Response(JSON.stringify(this.answers[route] ?? {}), { status: 200 }));
  };

  of(route: string): Record<string, unknown>[] {
    return this.told.filter((item) => item.route.includes(route)).map((item) => item.body);
  }
}

class Memory implements fake.Disk {
  constructor(readonly files: Record<string, string>) {}
  list = (): Promise<string[]> => Promise.resolve(Object.keys(this.files));
  read = (path: string): Promise<string> => Promise.resolve(this.files[path] ?? "");
  write = (path: string, text: string): Promise<void> => Promise.resolve(void (this.files[path] = text));
  rename = (path: string, to: string): Promise<void> => {
    this.files[to] = this.files[path] ?? "";
    delete this.files[path];
    return Promise.resolve();
  };
}

const hash = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
};

let server: Server;
let disk: Memory;
let app: fake.App;
let plugin: NotewrightPlugin & fake.Plugin;

async function start(): Promise<void> {
  app = new fake.App(disk);
  await app.vault.open();
  document.body.replaceChildren(app.workspace.containerEl);
  plugin = new NotewrightPlugin(app as never, { id: "notewright" } as never) as never;
  plugin.token?.set("t");
  await plugin.onload();
  plugin.token.set("http://127.0.0.1:8765/login?token=secret");
}

async function command(id: string): Promise<void> {
  const found = plugin.commands.get(id);
  const view = app.workspace.getActiveViewOfType(fake.MarkdownView);
  if (found?.callback) found.callback();
  else if (view) found?.editorCallback?.(view.editor, view);
  await settle();
}

async function drafted(line = 4): Promise<fake.MarkdownView> {
  const view = await app.workspace.openNote("Books/The Slow River.md");
  view.editor.setCursor({ line, ch: 0 });
  await command("draft-section");
  return view;
}

const cards = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(".notewright-card")];
const press = (card: number, label: string): void =>
  [...(cards()[card]?.querySelectorAll("button") ?? [])].find((button) => button.textContent === label)?.click();

beforeEach(async () => {
  server = new Server();
  vi.stubGlobal("fetch", server.fetch);
  fake.Plugin.data = null;
  fake.Notice.shown = [];
  disk = new Memory({ "Books/The Slow River.md": NOTE, "Other.md": "x\n" });
  await start();
});

afterEach(() => {
  plugin.unload();
  vi.unstubAllGlobals();
});

describe("drafting", () => {
  it("takes the source from the note and the chapter from the heading under the cursor", async () => {
    await drafted();
    expect(server.of("/api/drafts")[0]).toMatchObject({ source: "s1", chapter: "Beginnings", n: 3, stream: true });
    expect(cards().map((card) => card.querySelector(".notewright-body")?.textContent)).toEqual(["One fact.", "Two."]);
    expect(document.querySelector(".notewright-head")?.textContent).toContain("The Slow River · Beginnings");
  });
  it("asks where the note does not tell", async () => {
    await app.workspace.openNote("Other.md");
    await command("draft-section");
    fake.Modal.open[0]?.contentEl.querySelector("button")?.click();
    await settle();
    fake.Modal.open[0]?.contentEl.querySelectorAll("button")[1]?.click();
    await settle();
    expect(server.of("/api/drafts")[0]).toMatchObject({ source: "s1", chapter: "Troubles" });
  });
  it("uses the highlights that the selection quotes", async () => {
    const view = await app.workspace.openNote("Books/The Slow River.md");
    view.editor.select("As they say: Rivers are slow.");
    await command("draft-from-selection");
    expect(server.of("/api/drafts")[0]).toMatchObject({ highlight_ids: ["h1"] });
  });
  it("goes to the next in the queue", async () => {
    await command("next-in-queue");
    expect(server.of("/api/drafts")[0]).toMatchObject({ source: "s1", chapter: "Beginnings" });
  });
});

describe("judging", () => {
  it("ranks by clicks and keys, with ties, and sends once all are placed", async () => {
    await drafted();
    cards()[1]?.querySelector<HTMLElement>(".notewright-body")?.click();
    const pane = document.querySelector<HTMLElement>(".notewright-review");
    pane?.dispatchEvent(new KeyboardEvent("keydown", { key: "1", bubbles: true }));
    pane?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await settle();
    expect(server.of("/ranking")[0]).toMatchObject({ order: [["d2"], ["d1"]] });
    pane?.dispatchEvent(new KeyboardEvent("keydown", { key: "=", bubbles: true }));
    pane?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await settle();
    expect(server.of("/ranking").at(-1)).toMatchObject({ order: [["d2", "d1"]] });
  });
  it("rejects one, rejects all, comments by chip", async () => {
    await drafted();
    press(0, "Reject");
    document.querySelector(".notewright-review")?.dispatchEvent(new KeyboardEvent("keydown", { key: "0", bubbles: true }));
    press(1, "Comment");
    fake.Menu.last.find((item) => item.title === "invented")?.act();
    await settle();
    expect(server.of("/api/decisions")).toMatchObject([{ decision: "reject", draft_id: "d1" }, { decision: "reject_all", batch_id: "b1" }]);
    expect(server.of("/api/comments")).toMatchObject([{ draft_id: "d2", chips: ["invented"] }]);
  });
});

describe("accepting", () => {
  const previewed = (): void => {
    const start = Buffer.byteLength(NOTE.slice(0, NOTE.indexOf("## Troubles") - 1));
    server.answers["POST /api/drafts/d1/accept/preview"] = {
      draft_id: "d1", note_path: "Books/The Slow River.md", under: "Beginnings", before_hash: hash(NOTE), after_hash: hash(AFTER),
      diff: "", inserted: "\n- One fact.\n", start, created: false,
    };
  };

  it("changes only our span of the open note and tells the server", async () => {
    previewed();
    const view = await drafted();
    press(0, "Accept");
    await settle();
    expect(view.editor.getValue()).toBe(AFTER);
    expect(disk.files["Books/The Slow River.md"]).toBe(AFTER);
    expect(server.of("/accept/preview")[0]).toMatchObject({ into: "Books/The Slow River.md", under: "Beginnings" });
    expect(server.of("/insertions")).toMatchObject([
      { note_path: "Books/The Slow River.md", start: Buffer.byteLength(NOTE.slice(0, NOTE.indexOf("## Troubles") - 1)), inserted: "\n- One fact.\n", under: "Beginnings" },
    ]);
    expect(disk.files["Other.md"]).toBe("x\n");
  });
  it("writes nothing when the note is not as it was previewed", async () => {
    previewed();
    const view = await drafted();
    view.editor.setValue(`${NOTE}more\n`);
    press(0, "Accept");
    await settle();
    expect(disk.files["Books/The Slow River.md"]).toBe(`${NOTE}more\n`);
    expect(server.of("/insertions")).toEqual([]);
    expect(fake.Notice.shown.at(-1)).toContain("has changed. Nothing was written");
  });
  it("makes a note that is not there yet", async () => {
    server.answers["POST /api/drafts/d1/accept/preview"] = {
      draft_id: "d1", note_path: "New/The Slow River.md", under: "", before_hash: "", after_hash: "", diff: "", inserted: "- One fact.\n", start: 0, created: true,
    };
    await command("next-in-queue");
    press(0, "Accept");
    await settle();
    expect(disk.files["New/The Slow River.md"]).toBe("- One fact.\n");
  });
  it("keeps the news of an insertion while the server is away, and tells it once", async () => {
    previewed();
    await drafted();
    const real = server.fetch;
    vi.stubGlobal("fetch", (url: string, init?: RequestInit) => (url.includes("/insertions") ? Promise.reject(new TypeError("away")) : real(url, init)));
    press(0, "Accept");
    await settle();
    expect(server.of("/insertions")).toEqual([]);
    plugin.unload();
    vi.stubGlobal("fetch", real);
    await start();
    await command("log-edits");
    await command("log-edits");
    expect(server.of("/insertions")).toHaveLength(1);
  });

  it("tells what the passage became, after renames and edits elsewhere, once", async () => {
    previewed();
    const view = await drafted();
    press(0, "Accept");
    await settle();
    const file = view.file;
    if (!file) throw new Error("no file");
    await app.vault.rename(file, "Archive/River.md");
    view.editor.setValue(`Intro.\n\n${AFTER.replace("One fact.", "One *proven* fact.")}`);
    await view.save();
    await command("log-edits");
    await command("log-edits");
    expect(server.of("/later-edits")).toEqual([{ before: "- One fact.", after: "- One *proven* fact.", note_path: "Archive/River.md" }]);
  });
});

describe("faults", () => {
  it("says in one notice what to do when nobody answers", async () => {
    server.up = false;
    await drafted();
    expect(fake.Notice.shown).toEqual(["No notewright server answers at http://127.0.0.1:8765. Start it with: notewright serve"]);
  });
  it("says what to do about a wrong token", async () => {
    server.status = 401;
    expect(await plugin.describeConnection()).toContain("Paste the link that notewright serve prints");
  });
  it("says so when the library is empty", async () => {
    server.answers["GET /api/sources"] = { total: 0, sources: [] };
    await drafted();
    expect(fake.Notice.shown[0]).toContain("no highlights yet");
  });
  it("leaves nothing behind when it is unloaded", () => {
    plugin.unload();
    expect(document.querySelector("footer")).toBeNull();
    expect(app.workspace.makers.has("notewright-review")).toBe(false);
  });
});
