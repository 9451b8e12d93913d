import { App, Modal, Setting } from "obsidian";
import type { Highlight } from "../core/types";

/** The highlights that were named; "other" for one who wants to look elsewhere; null for one who left. */
export type Choice = string[] | "other" | null;

/** Asks which of the highlights a passage was written from; at first all of them are chosen. */
export function nameHighlights(app: App, title: string, passage: string, highlights: readonly Highlight[]): Promise<Choice> {
  return new Promise((resolve) => {
    new Naming(app, title, passage, highlights, resolve).open();
  });
}

class Naming extends Modal {
  private choice: Choice = null;
  private readonly chosen: Set<string>;

  constructor(
    app: App,
    private readonly title: string,
    private readonly passage: string,
    private readonly highlights: readonly Highlight[],
    private readonly answer: (choice: Choice) => void,
  ) {
    super(app);
    this.chosen = new Set(highlights.map((item) => item.id));
    this.setTitle("What was this passage written from?");
  }

  override onOpen(): void {
    this.contentEl.createDiv({ cls: "notewright-passage", text: this.passage });
    this.contentEl.createEl("h5", { text: this.title });
    const list = this.contentEl.createDiv({ cls: "notewright-named" });
    let save: { setDisabled(disabled: boolean): unknown } | null = null;
    for (const item of this.highlights) {
      const row = list.createEl("label");
      const box = row.createEl("input", { attr: { type: "checkbox" } });
      box.checked = true;
      box.addEventListener("change", () => {
        if (box.checked) this.chosen.add(item.id);
        else this.chosen.delete(item.id);
        save?.setDisabled(!this.chosen.size);
      });
      row.createSpan({ text: [item.text, item.annotation && `(${item.annotation})`].filter(Boolean).join(" ") });
    }
    new Setting(this.contentEl)
      .addButton((button) => button.setButtonText("Other highlights").onClick(() => this.end("other")))
      .addButton((button) => {
        save = button.setButtonText("They belong together").setCta();
        button.onClick(() => this.end(this.highlights.map((item) => item.id).filter((id) => this.chosen.has(id))));
      });
  }

  private end(choice: Choice): void {
    this.choice = choice;
    this.close();
  }

  override onClose(): void {
    this.contentEl.empty();
    // As with every modal here: what is asked next opens when this one is gone.
    window.setTimeout(() => this.answer(this.choice), 0);
  }
}
