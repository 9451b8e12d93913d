import { Modal, Notice, Plugin, Setting, requestUrl } from "obsidian";
import { randomName } from "../../api/random";
import { obey } from "./accepting";
import type { Attending } from "./attending";
import { Api, ApiError, type Transport } from "./core/api";
import { News } from "./core/news";
import { Orders } from "./core/orders";
import { draftSection, nextInQueue } from "./drafting";
import { Following } from "./following";
import { NoteChanged, openViews } from "./insert";
import { Keeping, type Data } from "./keeping";
import { namePassage } from "./naming";
import { SettingsTab, Token, type Settings } from "./settings";
import { REVIEW, ReviewView, type Task } from "./views/review";

const LOOK_EVERY = 15_000;

/** Lifecycle and commands; what they do lies in core/ (pure), views/, drafting, accepting and following. */
export default class NotewrightPlugin extends Plugin {
  readonly keeping = new Keeping(this, this.app);
  readonly data: Data = this.keeping.data;
  override readonly settings: Settings = this.data.settings;
  token!: Token;
  api!: Api;
  following!: Following;
  /** Drafts that are on their way into a note. */
  readonly accepting = new Set<string>();
  /** How often drafts were asked for. */
  drafted = 0;
  readonly unloaded = new AbortController();
  private tab: SettingsTab | null = null;
  private bar: HTMLElement | null = null;
  private statusAsked = 0;

  override async onload(): Promise<void> {
    await this.keeping.load();
    this.token = new Token(this.app);
    this.api = new Api(() => this.settings.address, () => this.token.get(), transport);
    this.following = new Following(this);
    this.register(() => this.unloaded.abort());
    this.registerView(REVIEW, (leaf) => new ReviewView(leaf, this));
    this.tab = new SettingsTab(this.app, this);
    this.addSettingTab(this.tab);
    this.addCommands();
    this.bar = this.addStatusBarItem();
    this.registerEvent(this.app.vault.on("modify", (file) => this.following.noteChanged(file.path)));
    this.registerEvent(this.app.vault.on("rename", (file, before) => void this.following.renamed(before, file.path)));
    this.registerEvent(this.app.vault.on("delete", (file) => void this.following.noteDeleted(file.path)));
    this.app.workspace.onLayoutReady(() => {
      // Not before: while Obsidian reads the vault each of its notes counts as new, and one that is not read yet as deleted.
      this.registerEvent(this.app.vault.on("create", (file) => this.following.noteCreated(file.path)));
      this.registerInterval(window.setInterval(() => void this.following.look(false), LOOK_EVERY));
      void this.showStatus();
      this.takeOrders();
    });
  }

  /** Drafts that are accepted elsewhere go through the editor of notes that are open here. */
  private takeOrders(): void {
    const client = randomName();
    const open = (): string[] => openViews(this.app).flatMap((view) => view.file?.path ?? []);
    const facts = (): { vault: string; open: string[] } | null => (this.token.get() ? { vault: this.app.vault.getName(), open: open() } : null);
    const news = new News(this.api, () => this.settings.address, () => void this.showStatus());
    let known: boolean | null = null;
    const heard = (isThere: boolean): void => {
      if (isThere !== known) void this.showStatus();
      known = isThere;
      if (isThere && !this.unloaded.signal.aborted) news.listen();
      else news.stop();
    };
    const orders = new Orders(this.api, client, facts, (order) => obey(this, order), heard);
    this.registerEvent(this.app.workspace.on("layout-change", () => orders.changed()));
    this.registerEvent(this.app.workspace.on("file-open", () => orders.changed()));
    this.register(() => orders.stop());
    this.register(() => news.stop());
    void orders.run();
  }

  private addCommands(): void {
    const run = (act: () => Promise<unknown>) => (): void => void act().catch((error: unknown) => this.notice(error));
    this.addCommand({ id: "draft-section", name: "Draft a section from highlights", callback: run(() => draftSection(this)) });
    this.addCommand({
      id: "draft-from-selection",
      name: "Draft from the selected text",
      editorCallback: (editor) => run(() => draftSection(this, editor.getSelection()))(),
    });
    this.addCommand({ id: "open-review", name: "Open the review pane", callback: run(() => this.review()) });
    this.addCommand({ id: "next-in-queue", name: "Next in queue", callback: run(() => nextInQueue(this)) });
    this.addCommand({ id: "name-passage", name: "Say what this passage was written from", callback: run(() => namePassage(this)) });
    this.addCommand({ id: "log-edits", name: "Log my edits of this note now", callback: run(() => this.following.look(true)) });
    this.addCommand({ id: "improve", name: "Improve now", callback: run(() => this.improve()) });
    this.addCommand({ id: "status", name: "Show status", callback: run(async () => new Notice(await this.describeConnection(), 10_000)) });
  }

  private async improve(): Promise<void> {
    await this.api.improve();
    new Notice("Improving in the background. A new version is used only if it is better on held-out work.");
  }

  /** `active`: with the focus. */
  async review(active = true): Promise<ReviewView> {
    const known = this.app.workspace.getLeavesOfType(REVIEW)[0];
    const leaf = known ?? this.app.workspace.getRightLeaf(false);
    if (!leaf) throw new Error("There is no room for the review pane.");
    await leaf.setViewState({ type: REVIEW, active });
    await this.app.workspace.revealLeaf(leaf);
    if (!(leaf.view instanceof ReviewView)) throw new Error("The review pane did not open.");
    return leaf.view;
  }

  async draft(attending: Attending, task: Task): Promise<void> {
    const review = await this.review(attending.waits);
    await review.run(task, attending);
  }

  /** What the settings' test button and the status command say. */
  async describeConnection(): Promise<string> {
    try {
      const status = await this.api.check();
      const counts = status.counts;
      const model = status.current_model || "the base model";
      void this.showStatus();
      const some = (name: string): string => `${counts[`${name}s`] ?? 0} ${name}${counts[`${name}s`] === 1 ? "" : "s"}`;
      return `Connected. ${some("source")}, ${some("highlight")}; drafts are written by ${model}. Next: ${status.next}`;
    } catch (error) {
      this.bar?.setText("Notewright: not connected");
      return this.words(error);
    }
  }

  private async showStatus(): Promise<void> {
    const mine = ++this.statusAsked;
    const words = await this.api.check().then((status) => status.current_model || "base model", () => "not connected");
    if (mine === this.statusAsked) this.bar?.setText(`Notewright: ${words}`); // else it was asked for again meanwhile
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

  /** Words of the person's own, null when they leave. `keep` has them as they are typed. */
  ask(question: string, kept: string, keep: (words: string) => void): Promise<string | null> {
    return new Promise((resolve) => {
      const modal = new Modal(this.app);
      let words = kept;
      modal.setTitle(question);
      let sent = false;
      const send = (): void => {
        sent = true;
        modal.close();
      };
      const typed = (value: string): void => {
        words = value;
        keep(value);
      };
      new Setting(modal.contentEl)
        .addText((field) => {
          field.setValue(kept).onChange(typed);
          field.inputEl.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && !event.isComposing) send();
          });
        })
        .addButton((button) => button.setButtonText("Send").setCta().onClick(send));
      modal.onClose = () => resolve(sent ? words : null);
      modal.open();
    });
  }

  store(): Promise<void> {
    return this.keeping.store();
  }

  /** data.json is another one than we wrote: a sync has brought what was done on another device. */
  override async onExternalSettingsChange(): Promise<void> {
    await this.keeping.changedOutside();
    this.tab?.showAnew();
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
