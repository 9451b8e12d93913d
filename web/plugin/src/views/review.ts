import { Component, ItemView, MarkdownRenderer, Menu, Notice, Platform, WorkspaceLeaf, debounce } from "obsidian";
import type { Attending } from "../attending";
import type NotewrightPlugin from "../main";
import { inert } from "../core/inert";
import { Ranking } from "../core/ranking";
import type { Batch, Draft, DraftWish, Highlight } from "../core/types";
import { stoodIn } from "../core/turn";
import { accept } from "../accepting";
import { editText } from "./pick";
import { showProvenance } from "./provenance";

export const REVIEW = "notewright-review";
const PLACES = ["best", "2nd", "3rd"];

/** What is drafted, and where an accepted draft shall go. */
export interface Task {
  wish: DraftWish;
  title: string;
  notePath: string;
  heading: string | null;
  atCursor: boolean;
  /** The pane whose cursor is meant, where the note is open in several. */
  leaf?: WorkspaceLeaf | undefined;
}

interface Card {
  key: string;
  draft: Draft | null;
  text: string;
  element: HTMLElement;
  body: HTMLElement;
  badge: HTMLElement;
  component: Component;
  accept: HTMLButtonElement | null;
  draw: () => void;
  stop: () => void;
}

/** Candidates side by side: they grow while they are written; rank, accept, reject, comment. */
export class ReviewView extends ItemView {
  private task: Task | null = null;
  private batch: Batch | null = null;
  private ranking = new Ranking();
  private sent: Ranking | null = null;
  private sending: Promise<void> = Promise.resolve();
  /** What was typed and has not arrived yet, by draft: until it has, it is what is shown again. */
  private readonly edited = new Map<string, string>();
  private readonly remarks = new Map<string, string>();
  private cards: Card[] = [];
  private chips: string[] = [];
  private stop: AbortController | null = null;
  private shownAt = 0;
  private origin: { source: string; told: Promise<ReadonlyMap<string, Highlight>> } | null = null;

  constructor(
    leaf: WorkspaceLeaf,
    private readonly plugin: NotewrightPlugin,
  ) {
    super(leaf);
    this.icon = "pen-tool";
  }

  override getViewType(): string {
    return REVIEW;
  }

  override getDisplayText(): string {
    return "Notewright drafts";
  }

  override onOpen(): Promise<void> {
    this.contentEl.addClass("notewright-review");
    this.contentEl.tabIndex = -1;
    this.registerDomEvent(this.contentEl, "keydown", (event) => this.onKey(event));
    this.registerEvent(this.app.vault.on("rename", (file, before) => this.renamed(before, file.path)));
    this.showEmpty();
    return Promise.resolve();
  }

  override async onClose(): Promise<void> {
    this.stop?.abort();
    await this.sendWhole();
    this.clear();
  }

  /** A note or a folder: the drafts go with the note. */
  private renamed(before: string, after: string): void {
    const path = this.task?.notePath ?? "";
    if (this.task && (path === before || path.startsWith(`${before}/`))) this.task.notePath = after + path.slice(before.length);
  }

  /** Write candidates for the task and show them while they grow. */
  async run(task: Task, attending: Attending): Promise<void> {
    this.stop?.abort();
    const stop = (this.stop = new AbortController());
    await this.sendWhole();
    if (stop.signal.aborted) return;
    this.task = task;
    this.batch = null;
    this.origin = null; // highlights may have come since
    this.ranking = new Ranking();
    this.clear();
    this.header(task.title, "Writing…");
    if (attending.waits) this.contentEl.focus();
    attending.end();
    try {
      this.chips = await this.plugin.api.chips();
      const batch = await this.plugin.api.draft(
        task.wish,
        {
          queued: (position) => this.header(task.title, position ? `Waiting: ${position} before this one.` : "Waiting for the model."),
          started: (model) => this.header(task.title, `${model} is writing…`),
          text: (candidate, text) => !stop.signal.aborted && this.grow(candidate, text),
        },
        stop.signal,
      );
      if (stop.signal.aborted) return;
      this.show(batch);
    } catch (error) {
      if (stop.signal.aborted) return;
      this.clear();
      this.header(task.title, this.plugin.words(error));
    }
  }

  private show(batch: Batch): void {
    this.batch = batch;
    this.shownAt = Date.now();
    this.clear();
    const count = batch.drafts.length;
    const told = count === 1 ? `1 draft by ${batch.model_id}.` : `${count} drafts by ${batch.model_id}. Click them best first, or use the keys.`;
    this.header(this.task?.title ?? "", told, batch.parts, batch.fewer, stoodIn(batch.drafts));
    const all = this.contentEl.createDiv({ cls: "notewright-all" });
    // Keys do the same; a phone has none.
    all.createEl("button", { text: "Send ranking" }).addEventListener("click", () => void this.send());
    all.createEl("button", { text: "Reject all" }).addEventListener("click", () => void this.rejectAll());
    for (const draft of batch.drafts) this.addCard(draft.id, draft.text, draft);
    // What is typed in a note meanwhile are no keys of this pane.
    const { activeElement, body } = this.contentEl.ownerDocument;
    if (activeElement === body || this.contentEl.contains(activeElement)) this.contentEl.focus();
    this.mark();
  }

  /** The server writes more than it will show; which ones it shows is known at the end. */
  private grow(candidate: number, text: string): void {
    if (candidate >= (this.task?.wish.n ?? 0)) return;
    const key = `writing-${candidate}`;
    const card = this.cards.find((known) => known.key === key) ?? this.addCard(key, text, null);
    card.text = text;
    card.draw();
  }

  private addCard(key: string, text: string, draft: Draft | null): Card {
    const element = this.contentEl.createDiv({ cls: "notewright-card", attr: { role: "group", "aria-label": "Draft" } });
    const head = element.createDiv({ cls: "notewright-card-head" });
    const badge = head.createSpan({ cls: "notewright-badge" });
    const body = element.createDiv({ cls: "notewright-body markdown-rendered" });
    const component = this.addChild(new Component());
    const card: Card = { key, draft, text, element, body, badge, component, accept: null, draw: () => undefined, stop: () => undefined };
    const draw = (): Promise<void> => {
      body.empty();
      return MarkdownRenderer.render(this.app, inert(card.text), body, this.task?.notePath ?? "", component);
    };
    const soon = debounce(() => void draw(), 150);
    card.draw = soon;
    card.stop = () => void soon.cancel();
    this.cards.push(card);
    if (!draft) card.draw();
    else {
      this.fill(card, draft, head);
      void draw().then(() => this.tellOrigins(card, draft));
    }
    return card;
  }

  /** Where its sentences come from, told under the pointer. Without an answer the draft is there all the same. */
  private async tellOrigins(card: Card, draft: Draft): Promise<void> {
    try {
      const [spans, highlights] = await Promise.all([this.plugin.api.provenance(draft.text, draft.highlight_ids), this.highlights(draft.source_id)]);
      showProvenance(card.body, draft.text, spans, highlights);
    } catch {
      // Not worth a notice: nothing that was asked for failed.
    }
  }

  private highlights(source: string): Promise<ReadonlyMap<string, Highlight>> {
    if (this.origin?.source !== source) {
      const told = this.plugin.api.source(source).then((detail) => new Map(detail.highlights.map((item) => [item.id, item])));
      this.origin = { source, told };
    }
    return this.origin.told;
  }

  private fill(card: Card, draft: Draft, head: HTMLElement): void {
    for (const problem of draft.problems) card.element.createDiv({ cls: "notewright-problem", text: problem });
    const button = (text: string, label: string, act: () => void): HTMLButtonElement => {
      const made = head.createEl("button", { text, attr: { "aria-label": label } });
      made.addEventListener("click", (event) => {
        event.stopPropagation();
        act();
      });
      return made;
    };
    card.accept = button("Accept", "Put this draft into the note", () => void this.take(draft));
    button("Edit", "Change it, then put it into the note", () => void this.edit(draft));
    button("Tie", "As good as the one before", () => this.rank(this.ranking.tie(draft.id)));
    button("Reject", "Reject this draft", () => void this.reject(draft));
    button("Comment", "Say what is wrong", () => this.openChips(draft));
    card.body.addEventListener("click", (event) => {
      if (!(event.target as HTMLElement).closest("a")) this.rank(this.ranking.toggle(draft.id));
    });
    if (!Platform.isMobile) {
      card.element.draggable = true;
      card.element.addEventListener("dragstart", (event) => event.dataTransfer?.setData("text/plain", draft.id));
      card.element.addEventListener("dragover", (event) => event.preventDefault());
      card.element.addEventListener("drop", (event) => {
        event.preventDefault();
        const moved = event.dataTransfer?.getData("text/plain");
        const place = this.ranking.placeOf(draft.id);
        if (moved && moved !== draft.id) this.rank(this.ranking.move(moved, place || this.ranking.groups.length + 1));
      });
    }
  }

  private onKey(event: KeyboardEvent): void {
    const drafts = this.batch?.drafts;
    const on = event.target as HTMLElement | null;
    if (!drafts || event.repeat || event.ctrlKey || event.metaKey || event.altKey || on?.closest("input, textarea")) return;
    if (event.key === "Enter" && on?.closest("button")) return;
    const numbered = /^[1-9]$/.test(event.key) ? drafts[Number(event.key) - 1] : undefined;
    const last = this.ranking.placed.at(-1);
    const best = this.ranking.placed[0] ?? drafts.find((draft) => !this.ranking.rejected.includes(draft.id))?.id;
    const chosen = drafts.find((draft) => draft.id === best);
    if (numbered) this.rank(this.ranking.toggle(numbered.id));
    else if (event.key === "=" && last) this.rank(this.ranking.tie(last));
    else if (event.key === "a" && chosen) void this.take(chosen);
    else if (event.key === "e" && chosen) void this.edit(chosen);
    else if (event.key === "0") void this.rejectAll();
    else if (event.key === "Enter") void this.send();
    else return;
    event.preventDefault();
  }

  private rank(ranking: Ranking): void {
    this.ranking = ranking;
    this.mark();
    // All placed: there is nothing more to say, so it counts.
    if (this.isWhole()) this.sendSoon();
  }

  private isWhole(): boolean {
    return this.batch !== null && this.ranking.isWhole(this.batch.drafts.map((draft) => draft.id));
  }

  private readonly sendSoon = debounce(() => void this.sendWhole(), 1200, true);

  private async sendWhole(): Promise<void> {
    if (this.isWhole()) await this.send();
  }

  /** One after the other, as a later ranking of a batch replaces an earlier one; one that has not arrived can be sent again. */
  private send(): Promise<void> {
    const { batch, ranking } = this;
    const remark = this.remark();
    this.sending = this.sending.then(async () => {
      if (!batch || !ranking.placed.length || this.sent === ranking) return;
      if (await this.act(() => this.plugin.api.rank(batch.id, ranking, remark))) this.sent = ranking;
    });
    return this.sending;
  }

  private async reject(draft: Draft): Promise<void> {
    const { batch } = this;
    const told = await this.act(() => this.plugin.api.reject(draft.id, this.remark()));
    if (told && this.batch === batch) this.rank(this.ranking.reject(draft.id));
  }

  /** In the place of any ranking, sent or not: that would take the place of this again. */
  private rejectAll(): Promise<void> {
    const { batch, ranking: before } = this;
    if (!batch) return this.sending;
    const remark = this.remark();
    const none = batch.drafts.reduce((ranking, { id }) => ranking.reject(id), new Ranking());
    this.rank(none);
    this.sending = this.sending.then(async () => {
      if (await this.act(() => this.plugin.api.rejectAll(batch.id, remark))) return;
      if (this.ranking === none) this.rank(before);
    });
    return this.sending;
  }

  /** A draft with problems is looked at once more before it goes into a note, and so are words that have not got there yet. */
  private take(draft: Draft): Promise<void> {
    return draft.problems.length || this.edited.has(draft.id) ? this.edit(draft) : this.accept(draft, null);
  }

  private async edit(draft: Draft): Promise<void> {
    const { task } = this;
    const keep = (typed: string): void => void (typed === draft.text ? this.edited.delete(draft.id) : this.edited.set(draft.id, typed));
    const text = await editText(this.app, this.edited.get(draft.id) ?? draft.text, draft.problems, keep);
    if (text !== null) await this.accept(draft, text === draft.text ? null : text, task);
  }

  private async accept(draft: Draft, finalText: string | null, task = this.task): Promise<void> {
    if (!task) return;
    const card = this.cards.find((known) => known.draft === draft);
    if (card?.accept) card.accept.disabled = true;
    try {
      if (this.ranking.placed.length > 1) await this.send();
      const done = await accept(this.plugin, draft, finalText, task, this.remark().seconds ?? null);
      if (!done) return;
      // Others may have been typed while these were on their way.
      if (this.edited.get(draft.id) === finalText) this.edited.delete(draft.id);
      new Notice(`Inserted into ${done.file.path}.`);
      card?.element.addClass("notewright-accepted");
    } catch (error) {
      this.plugin.notice(error);
    } finally {
      if (card?.accept) card.accept.disabled = false;
    }
  }

  private openChips(draft: Draft): void {
    const menu = new Menu();
    for (const chip of this.chips) {
      menu.addItem((item) => item.setTitle(chip).onClick(() => void this.act(() => this.plugin.api.comment(draft.id, "", [chip]))));
    }
    menu.addSeparator();
    menu.addItem((item) => item.setTitle("In your own words…").onClick(() => this.comment(draft)));
    const place = this.cards.find((card) => card.draft === draft)?.element.getBoundingClientRect();
    menu.showAtPosition({ x: place?.left ?? 0, y: (place?.top ?? 0) + 30 });
  }

  private async comment(draft: Draft): Promise<void> {
    const keep = (typed: string): void => void this.remarks.set(draft.id, typed);
    const words = await this.plugin.ask("What is wrong with it?", this.remarks.get(draft.id) ?? "", keep);
    if (!words) return;
    if (await this.act(() => this.plugin.api.comment(draft.id, words, []))) this.remarks.delete(draft.id);
    else await this.comment(draft);
  }

  /** Whether it was told. */
  private async act(told: () => Promise<unknown>): Promise<boolean> {
    try {
      await told();
      return true;
    } catch (error) {
      this.plugin.notice(error);
      return false;
    }
  }

  private remark(): { seconds?: number } {
    return !this.plugin.settings.logTime ? {} : { seconds: Math.round((Date.now() - this.shownAt) / 100) / 10 };
  }

  private mark(): void {
    this.cards.forEach((card, index) => {
      const place = card.draft ? this.ranking.placeOf(card.draft.id) : 0;
      const isRejected = card.draft !== null && this.ranking.rejected.includes(card.draft.id);
      const said = place ? (PLACES[place - 1] ?? `${place}th`) : "";
      card.badge.setText([`${index + 1}`, said].filter(Boolean).join(" · "));
      card.element.ariaLabel = [`Draft ${index + 1}`, isRejected ? "rejected" : said].filter(Boolean).join(", ");
      card.element.toggleClass("is-placed", place > 0);
      card.element.toggleClass("is-best", place === 1);
      card.element.toggleClass("notewright-rejected", isRejected);
    });
  }

  private header(title: string, ...lines: string[]): void {
    let head = this.contentEl.querySelector(".notewright-head");
    if (!head) head = this.contentEl.createDiv({ cls: "notewright-head" });
    head.empty();
    head.createEl("h4", { text: title });
    for (const text of lines.filter(Boolean)) head.createEl("p", { text, attr: { role: "status" } });
  }

  private clear(): void {
    for (const card of this.cards) {
      card.stop();
      this.removeChild(card.component);
    }
    this.cards = [];
    this.contentEl.empty();
  }

  private showEmpty(): void {
    this.clear();
    this.header("No drafts yet", "Open a note and run the command: draft a section from highlights.");
  }
}
