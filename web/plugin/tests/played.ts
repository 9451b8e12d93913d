/** A vault in memory and a server that is played, for tests of the whole plugin. */

import { createHash } from "node:crypto";
import { vi } from "vitest";
import NotewrightPlugin from "../src/main";
import * as fake from "./obsidian/index";

export const SOURCE = { id: "s1", title: "The Slow River", author: "A. Writer", kind: "book", readwise_url: "", url: "" };
export const HIGHLIGHT = { id: "h1", text: "Rivers are slow.", chapter: "Beginnings", location_label: "page 3" };
export const CHAPTER = { source_id: "s1", source_title: "The Slow River", chapter: "Beginnings", highlights: 2, highlight_ids: ["h1", "h2"] };
const draft = (id: string, text: string): Record<string, unknown> => ({ id, text, source_id: "s1", highlight_ids: ["h1"], problems: [], sampling: { written: 0 } });
export const BATCH = { id: "b1", source_id: "s1", chapter: "Beginnings", model_id: "model-2", fewer: "", parts: "", drafts: [draft("d1", "- One fact."), draft("d2", "- Two.")] };
export const PATH = "Books/The Slow River.md";
export const NOTE = "# The Slow River\n\n## Beginnings\n\nMy words.\n\n## Troubles\n\nMore.\n";
export const AFTER = NOTE.replace("My words.\n", "My words.\n\n- One fact.\n");

interface Told {
  route: string;
  body: Record<string, unknown>;
}

export class Server {
  told: Told[] = [];
  up = true;
  status = 0;
  answer = (_route: string, _body: Record<string, unknown>): unknown => undefined;
  answers: Record<string, unknown> = {
    "GET /api/health": { name: "notewright", version: "0.1.0", api: 1, boot: "x" },
    "GET /api/status": { counts: { sources: 1, highlights: 2 }, current_model: "model-2", next: "notewright draft" },
    "GET /api/sources": { total: 1, sources: [SOURCE] },
    "GET /api/sources/s1": { source: SOURCE, chapters: [CHAPTER, { ...CHAPTER, chapter: "Troubles" }], highlights: [HIGHLIGHT] },
    "GET /api/queue": { total: 1, chapters: [CHAPTER] },
    "GET /api/chips": ["too long", "invented"],
    "GET /api/notes": { total: 0, notes: [] },
    "GET /api/templates": [{ name: "Book", origin: "vault" }],
    "POST /api/provenance": [],
    "POST /api/drafts": BATCH,
  };

  /** Who listens to what happens. */
  private listening: ReadableStreamDefaultController<Uint8Array>[] = [];
  publish(event: string, data: object): void {
    for (const to of this.listening) to.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  }
  hangUp(): void {
    for (const to of this.listening.splice(0)) to.close();
  }
  private events(signal: AbortSignal | null | undefined): Response {
    const begin = (to: ReadableStreamDefaultController<Uint8Array>): void => {
      this.listening.push(to);
      signal?.addEventListener("abort", () => {
        this.listening = this.listening.filter((other) => other !== to);
      });
    };
    return new Response(new ReadableStream({ start: begin }));
  }
  get listeners(): number {
    return this.listening.length;
  }

  readonly fetch = (url: string, init: RequestInit = {}): Promise<Response> => {
    if (!this.up) return Promise.reject(new TypeError("refused"));
    const route = `${init.method ?? "GET"} ${new URL(url).pathname}`;
    const body = init.body ? (JSON.parse(init.body as string) as Record<string, unknown>) : {};
    this.told.push({ route, body });
    if (this.status) return Promise.resolve(new Response(JSON.stringify({ message: "Please log in.", hint: "" }), { status: this.status }));
    if (route === "GET /api/events") return Promise.resolve(this.events(init.signal));
    if (route === "POST /api/drafts" && body.stream) {
      const batch = this.answer(route, body) ?? BATCH;
      const text = `event: text\ndata: {"candidate":0,"text":"- One","replace":false}\n\nevent: done\ndata: ${JSON.stringify(batch)}\n\n`;
      return Promise.resolve(new Response(text));
    }
    return Promise.resolve(new Response(JSON.stringify(this.answer(route, body) ?? this.answers[route] ?? {}), { status: 200 }));
  };

  of(route: string): Record<string, unknown>[] {
    return this.told.filter((item) => item.route.includes(route)).map((item) => item.body);
  }
}

export class Memory implements fake.Disk {
  constructor(readonly files: Record<string, string>) {}
  list = (): Promise<string[]> => Promise.resolve(Object.keys(this.files));
  read = (path: string): Promise<string> => Promise.resolve(this.files[path] ?? "");
  write = (path: string, text: string): Promise<void> => Promise.resolve(void (this.files[path] = text));
  rename = (path: string, to: string): Promise<void> => {
    this.files[to] = this.files[path] ?? "";
    return this.remove(path);
  };
  remove = (path: string): Promise<void> => Promise.resolve(void delete this.files[path]);
}

export const hash = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
};

/** One Obsidian with the plugin in it. `wait` answers of the server come at once, so that orders are asked for again after a second. */
export class Played {
  server = new Server();
  app!: fake.App;
  plugin!: NotewrightPlugin & fake.Plugin;

  constructor(readonly disk: Memory) {}

  async start(app = new fake.App(this.disk)): Promise<void> {
    vi.stubGlobal("fetch", this.server.fetch);
    this.app = app;
    await this.app.vault.open();
    document.body.replaceChildren(this.app.workspace.containerEl);
    this.plugin = new NotewrightPlugin(this.app as never, { id: "notewright" } as never) as never;
    await this.plugin.onload();
    this.plugin.token.set("http://127.0.0.1:8765/login?token=secret");
  }

  stop(): void {
    this.plugin.unload();
    fake.forget();
    vi.unstubAllGlobals();
  }

  /** Routes with this in them get no answer, or one of this status, until it is mended. */
  failing(part: string, status = 0): void {
    const refusal = (): Response => new Response(JSON.stringify({ message: "Not now.", hint: "" }), { status });
    vi.stubGlobal("fetch", (url: string, init?: RequestInit) => {
      if (!url.includes(part)) return this.server.fetch(url, init);
      return status ? Promise.resolve(refusal()) : Promise.reject(new TypeError("away"));
    });
  }

  mended(): void {
    vi.stubGlobal("fetch", this.server.fetch);
  }

  async command(id: string): Promise<void> {
    const found = this.plugin.commands.get(id);
    const view = this.app.workspace.getActiveViewOfType(fake.MarkdownView);
    if (found?.callback) found.callback();
    else if (view) found?.editorCallback?.(view.editor, view);
    await settle();
  }

  async drafted(line = 4): Promise<fake.MarkdownView> {
    const view = await this.app.workspace.openNote(PATH);
    view.editor.setCursor({ line, ch: 0 });
    await this.command("draft-section");
    return view;
  }
}

export const cards = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(".notewright-card")];
export const press = (card: number, label: string): void =>
  [...(cards()[card]?.querySelectorAll("button") ?? [])].find((button) => button.textContent === label)?.click();
