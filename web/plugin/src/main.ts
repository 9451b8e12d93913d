import { MarkdownView, Modal, Notice, Plugin, Setting, TFile, requestUrl } from "obsidian";
import { Api, ApiError, isFinal, type Transport } from "./core/api";
import { look } from "./core/follow";
import { chapterFor, guess, headingAt } from "./core/guess";
import { Outbox, type Letter } from "./core/outbox";
import type { Draft, Source } from "./core/types";
import { NoteChanged, insertAsPreviewed, insertAtCursor, type Written } from "./insert";
import { DEFAULTS, SettingsTab, Token, type Settings, type Stored } from "./settings";
import { pick } from "./views/pick";
import { REVIEW, ReviewView, type Task } from "./views/review";

const LOOK_EVERY = 15_000;

/** Lifecycle and commands; what they do lies in core/ (pure), views/ and insert.ts. */
export default class NotewrightPlugin extends Plugin {
  override settings: Settings = { ...DEFAULTS };
  token!: Token;
  api!: Api;
  private data: Stored = { settings: this.settings, followed: [], outbox: [] };
  private outbox!: Outbox;
  private bar: HTMLElement | null = null;
  private readonly changed = new Map<string, number>();

  override async onload(): Promise<void> {
    const kept = (await this.loadData()) as Partial<Stored> | null;
    this.settings = { ...DEFAULTS, ...kept?.settings };
    this.data = { settings: this.settings, followed: kept?.followed ?? [], outbox: kept?.outbox ?? [] };
    this.token = new Token(this.app);
    this.api = new Api(() => this.settings.address, () => this.token.get(), transport);
    this.outbox = new Outbox(
      {
        load: () => this.data.outbox,
        save: async (letters) => {
          this.data.outbox = letters;
          await this.store();
        },
      },
      (letter) => this.deliver(letter),
      (error, letter) => isFinal(error, letter.at),
    );
    this.registerView(REVIEW, (leaf) => new ReviewView(leaf, this));
    this.addSettingTab(new SettingsTab(this.app, this));
    this.addCommands();
    this.bar = this.addStatusBarItem();
    this.registerEvent(this.app.vault.on("modify", (file) => this.changed.set(file.path, Date.now())));
    this.registerEvent(this.app.vault.on("rename", (file, before) => void this.renamed(before, file.path)));
    this.registerInterval(window.setInterval(() => void this.lookAtChanges(false), LOOK_EVERY));
    this.app.workspace.onLayoutReady(() => {
      for (const followed of this.data.followed) this.changed.set(followed.path, 0);
      void this.showStatus();
    });
  }

  private addCommands(): void {
    const run = (act: () => Promise<void>) => (): void => void act().catch((error: unknown) => this.notice(error));
    this.addCommand({ id: "draft-section", name: "Draft a section from highlights", callback: run(() => this.draftSection()) });
    this.addCommand({
      id: "draft-from-selection",
      name: "Draft from the selected text",
      editorCallback: (editor) => void this.draftSection(editor.getSelection()).catch((error: unknown) => this.notice(error)),
    });
    this.addCommand({ id: "open-review", name: "Open the review pane", callback: run(async () => void (await this.review())) });
    this.addCommand({ id: "next-in-queue", name: "Next in queue", callback: run(() => this.nextInQueue()) });
    this.addCommand({ id: "log-edits", name: "Log my edits of this note now", callback: run(() => this.lookAtChanges(true)) });
    this.addCommand({ id: "improve", name: "Improve now", callback: run(() => this.improve()) });
    this.addCommand({ id: "status", name: "Show status", callback: run(async () => void new Notice(await this.describeConnection(), 10_000)) });
  }

  /** Source from the note's properties, links or title, else asked for; chapter from the heading under the cursor. */
  private async draftSection(selected = ""): Promise<void> {
    const view = this.app.workspace.getActiveViewOfType(MarkdownView);
    const note = view?.file ?? this.app.workspace.getActiveFile();
    const text = view ? view.editor.getValue() : note ? await this.app.vault.cachedRead(note) : "";
    const sources = await this.api.sources("", 1000);
    if (!sources.length) throw new ApiError(0, "The library has no highlights yet.", "Import some: notewright import readwise");
    const properties = note ? (this.app.metadataCache.getFileCache(note)?.frontmatter ?? {}) : {};
    const guessed = note ? guess({ title: note.basename, properties, text }, sources) : null;
    const source = guessed ?? (await pick(this.app, sources, (item) => `${item.title} (${item.author || item.kind})`, "Draft from which source?"));
    if (!source) return;
    await this.draftFrom(source, note, view, text, selected);
  }

  private async draftFrom(source: Source, note: TFile | null, view: MarkdownView | null, text: string, selected: string): Promise<void> {
    const detail = await this.api.source(source.id);
    const chapters = detail.chapters.filter((chapter) => chapter.highlights > 0);
    const heading = view ? headingAt(text, view.editor.getCursor().line) : "";
    const named = chapterFor(heading, chapters.map((chapter) => chapter.chapter));
    let chapter = chapters.find((item) => item.chapter === named) ?? (chapters.length === 1 ? chapters[0] : undefined);
    const words = selected.trim();
    const chosen = words ? detail.highlights.filter((item) => words.includes(item.text.trim()) || item.text.includes(words)) : [];
    if (words && !chosen.length) throw new ApiError(0, "No highlight of this source is in the selected text.", "Select quoted words, or nothing.");
    if (!chapter && !chosen.length) {
      chapter = (await pick(this.app, chapters, (item) => `${item.chapter || "Without a chapter"} (${item.highlights})`, "Which chapter?")) ?? undefined;
      if (!chapter) return;
    }
    const review = await this.review();
    await review.run({
      wish: {
        source: source.id, n: this.settings.candidates,
        ...(chosen.length ? { highlight_ids: chosen.map((item) => item.id) } : { chapter: chapter?.chapter ?? "" }),
      },
      title: [source.title, chapter?.chapter].filter(Boolean).join(" · "),
      notePath: note?.path ?? this.newPath(source.title),
      heading: named ? heading : null,
      atCursor: view !== null && !named,
    });
  }

  private async nextInQueue(): Promise<void> {
    const chapter = (await this.api.queue(1))[0];
    if (!chapter) {
      new Notice("Nothing is waiting: every chapter with highlights has a note.");
      return;
    }
    const review = await this.review();
    await review.run({
      wish: { source: chapter.source_id, chapter: chapter.chapter, n: this.settings.candidates },
      title: [chapter.source_title, chapter.chapter].filter(Boolean).join(" · "),
      notePath: this.newPath(chapter.source_title), heading: null, atCursor: false,
    });
  }

  /** Puts a draft into its note, tells the server, and follows the passage from there. False when nothing was written. */
  async accept(draft: Draft, finalText: string | null, task: Task, seconds: number | null): Promise<boolean> {
    try {
      const wish = { draft: draft.id, finalText, seconds };
      const view = this.app.workspace.getLeavesOfType("markdown").map((leaf) => leaf.view).find(
        (open): open is MarkdownView => open instanceof MarkdownView && open.file?.path === task.notePath,
      );
      let done: Written;
      if (task.atCursor && view) done = await insertAtCursor(this.app, view, finalText ?? draft.text, wish);
      else {
        await view?.save();
        const preview = await this.api.preview(draft.id, task.notePath, task.heading, finalText);
        done = await insertAsPreviewed(this.app, preview, wish);
      }
      await this.outbox.post({ kind: "insertion", body: { ...done.insertion, under: task.heading }, at: Date.now() });
      const text = done.note.slice(done.span.start, done.span.end);
      this.data.followed = [...this.data.followed, { draft: draft.id, path: done.file.path, note: done.note, span: done.span, sent: text }];
      await this.store();
      new Notice(`Inserted into ${done.file.path}.`);
      return true;
    } catch (error) {
      this.notice(error);
      return false;
    }
  }

  /** Passages in notes that changed and then were left alone are looked at; what they became is sent once. */
  private async lookAtChanges(now: boolean): Promise<void> {
    await this.outbox.flush();
    if (!this.settings.logEdits && !now) return;
    const active = now ? this.app.workspace.getActiveFile()?.path : undefined;
    const quiet = Date.now() - this.settings.quietSeconds * 1000;
    let sent = 0;
    for (const [path, at] of [...this.changed]) {
      if (now ? path !== active : at > quiet) continue;
      this.changed.delete(path);
      const file = this.app.vault.getFileByPath(path);
      if (file) sent += await this.lookAt(file);
    }
    if (now) new Notice(sent ? `Logged ${sent} edited passage${sent === 1 ? "" : "s"}.` : "Nothing has changed in passages of mine here.");
  }

  private async lookAt(file: TFile): Promise<number> {
    const note = await this.app.vault.read(file);
    let sent = 0;
    for (const followed of this.data.followed.filter((item) => item.path === file.path)) {
      const { text, next } = look(followed, note);
      if (text !== followed.sent) sent += 1;
      const keep = { ...next, sent: text };
      this.data.followed = this.data.followed.flatMap((item) => (item !== followed ? [item] : text ? [keep] : []));
      if (text !== followed.sent) {
        const body = { draft: followed.draft, before: followed.sent, after: text, path: file.path };
        await this.outbox.post({ kind: "edit", body, at: Date.now() });
      } else await this.store();
    }
    return sent;
  }

  private async renamed(before: string, after: string): Promise<void> {
    const inFolder = `${before}/`;
    const moved = (path: string): string => (path === before ? after : path.startsWith(inFolder) ? after + path.slice(before.length) : path);
    this.data.followed = this.data.followed.map((item) => ({ ...item, path: moved(item.path) }));
    for (const [path, at] of [...this.changed]) {
      if (moved(path) === path) continue;
      this.changed.delete(path);
      this.changed.set(moved(path), at);
    }
    await this.store();
  }

  private async deliver(letter: Letter): Promise<void> {
    const body = letter.body;
    if (letter.kind === "insertion") await this.api.inserted(body as never);
    else await this.api.edited(String(body.draft), String(body.before), String(body.after), String(body.path));
  }

  private async improve(): Promise<void> {
    await this.api.improve();
    new Notice("Improving in the background. A new version is used only if it is better on held-out work.");
  }

  async review(): Promise<ReviewView> {
    const known = this.app.workspace.getLeavesOfType(REVIEW)[0];
    const leaf = known ?? this.app.workspace.getRightLeaf(false);
    if (!leaf) throw new Error("There is no room for the review pane.");
    await leaf.setViewState({ type: REVIEW, active: true });
    await this.app.workspace.revealLeaf(leaf);
    if (!(leaf.view instanceof ReviewView)) throw new Error("The review pane did not open.");
    return leaf.view;
  }

  /** What the settings' test button and the status command say. */
  async describeConnection(): Promise<string> {
    try {
      const status = await this.api.check();
      const counts = status.counts;
      const model = status.current_model || "the base model";
      void this.showStatus();
      return `Connected. ${counts.sources ?? 0} sources, ${counts.highlights ?? 0} highlights; ${model} is writing. Next: ${status.next}`;
    } catch (error) {
      this.bar?.setText("Notewright: not connected");
      return this.words(error);
    }
  }

  private async showStatus(): Promise<void> {
    try {
      const status = await this.api.check();
      this.bar?.setText(`Notewright: ${status.current_model || "base model"}`);
    } catch {
      this.bar?.setText("Notewright: not connected");
    }
  }

  words(error: unknown): string {
    if (error instanceof ApiError) {
      const hint = error.status === 401 ? "Paste the link that notewright serve prints into the plugin's settings." : error.hint;
      return [error.message, hint].filter(Boolean).join(" ");
    }
    if (error instanceof NoteChanged) return `${error.message} Nothing was written; accept the draft again to see where it goes now.`;
    return error instanceof Error ? error.message : String(error);
  }

  notice(error: unknown): void {
    new Notice(this.words(error), 10_000);
  }

  ask(question: string): Promise<string | null> {
    return new Promise((resolve) => {
      const modal = new Modal(this.app);
      let words: string | null = null;
      modal.setTitle(question);
      new Setting(modal.contentEl).addText((field) => field.onChange((value) => (words = value))).addButton((button) =>
        button.setButtonText("Send").setCta().onClick(() => modal.close()),
      );
      modal.onClose = () => resolve(words);
      modal.open();
    });
  }

  async store(): Promise<void> {
    await this.saveData({ ...this.data, settings: this.settings });
  }

  private newPath(title: string): string {
    const name = title.replace(/[\\/:*?"<>|#^[\]]/g, " ").replace(/\s+/g, " ").trim().slice(0, 120) || "Untitled";
    return `${this.settings.folder ? `${this.settings.folder}/` : ""}${name}.md`;
  }
}

const transport: Transport = {
  async send(request) {
    const answer = await requestUrl({ ...request, throw: false });
    return { status: answer.status, text: answer.text };
  },
  // requestUrl cannot stream; this goes to the address in the settings and nowhere else.
  fetch: ({ url, method, headers, body }, signal) => fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) }),
};
