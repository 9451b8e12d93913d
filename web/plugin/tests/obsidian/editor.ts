/** A plain text with a cursor, and the view that shows it. */

import { debounce } from "./functions";
import type { TFile } from "./vault";
import { View } from "./workspace";

interface Position {
  line: number;
  ch: number;
}

/** A plain text with a cursor. */
export class Editor {
  private text = "";
  private at = 0;
  private selected = "";
  changed: () => void = () => undefined;
  getValue(): string {
    return this.text;
  }
  /** Whatever ends the lines of the file, the editor has newlines only. */
  setValue(text: string): void {
    this.text = text.replace(/\r\n?/g, "\n");
    this.changed();
  }
  getSelection(): string {
    return this.selected;
  }
  select(text: string): void {
    this.selected = text;
  }
  getCursor(_side?: string): Position {
    return this.offsetToPos(this.at);
  }
  setCursor(position: Position): void {
    this.at = this.posToOffset(position);
  }
  offsetToPos(offset: number): Position {
    const lines = this.text.slice(0, offset).split("\n");
    return { line: lines.length - 1, ch: lines.at(-1)?.length ?? 0 };
  }
  posToOffset(position: Position): number {
    const lines = this.text.split("\n").slice(0, position.line);
    return lines.reduce((sum, line) => sum + line.length + 1, 0) + position.ch;
  }
  replaceRange(text: string, from: Position, to: Position = from): void {
    const start = this.posToOffset(from);
    const end = this.posToOffset(to);
    this.text = this.text.slice(0, start) + text + this.text.slice(end);
    this.changed();
  }
}

export class MarkdownView extends View {
  editor = new Editor();
  file: TFile | null = null;
  mode: "source" | "preview" = "source";
  getMode(): "source" | "preview" {
    return this.mode;
  }
  getViewData(): string {
    return this.editor.getValue();
  }
  getViewType(): string {
    return "markdown";
  }
  getDisplayText(): string {
    return this.file?.basename ?? "";
  }
  /** As it was read or written last. */
  private kept = "";
  async show(file: TFile): Promise<void> {
    this.file = file;
    this.editor.setValue(await this.app.vault.read(file));
    this.editor.setCursor({ line: 0, ch: 0 });
    this.kept = this.editor.getValue();
    this.registerEvent(this.app.vault.on("modify", (changed: TFile) => void (changed === this.file && this.refresh())));
  }
  /** What others wrote is shown, unless something was typed. */
  private async refresh(): Promise<void> {
    const typed = this.editor.getValue() !== this.kept;
    const text = this.file ? await this.app.vault.read(this.file) : "";
    if (!typed && this.editor.getValue() === this.kept && text.replace(/\r\n?/g, "\n") !== this.kept) this.editor.setValue(text);
    if (!typed) this.kept = this.editor.getValue();
  }
  requestSave = debounce(() => void this.save().catch(() => undefined), 2000);
  async save(): Promise<void> {
    const text = this.editor.getValue();
    if (this.file && (await this.app.vault.read(this.file)) !== text) await this.app.vault.modify(this.file, text);
    this.kept = text;
  }
}
