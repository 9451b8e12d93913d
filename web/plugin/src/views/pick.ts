import { App, FuzzySuggestModal, Modal, Setting } from "obsidian";

/** Asks for one of a few things; null when the person leaves. */
export function pick<T>(app: App, items: readonly T[], label: (item: T) => string, placeholder: string): Promise<T | null> {
  return new Promise((resolve) => {
    new Picker(app, items, label, placeholder, resolve).open();
  });
}

class Picker<T> extends FuzzySuggestModal<T> {
  private chosen: T | null = null;

  constructor(
    app: App,
    private readonly items: readonly T[],
    private readonly label: (item: T) => string,
    placeholder: string,
    private readonly answer: (item: T | null) => void,
  ) {
    super(app);
    this.setPlaceholder(placeholder);
  }

  override getItems(): T[] {
    return [...this.items];
  }

  override getItemText(item: T): string {
    return this.label(item);
  }

  override onChooseItem(item: T): void {
    this.chosen = item;
  }

  override onClose(): void {
    super.onClose();
    // Obsidian closes the modal before it says what was chosen.
    window.setTimeout(() => this.answer(this.chosen), 0);
  }
}

/** Lets the person change a draft before it goes into the note; null when they leave it. `keep` has every word as it is typed. */
export function editText(app: App, text: string, problems: readonly string[], keep: (text: string) => void): Promise<string | null> {
  return new Promise((resolve) => {
    new Editing(app, text, problems, keep, resolve).open();
  });
}

class Editing extends Modal {
  private result: string | null = null;

  constructor(
    app: App,
    private text: string,
    private readonly problems: readonly string[],
    private readonly keep: (text: string) => void,
    private readonly answer: (text: string | null) => void,
  ) {
    super(app);
    this.setTitle("Edit before accepting");
  }

  override onOpen(): void {
    for (const problem of this.problems) this.contentEl.createDiv({ cls: "notewright-problem", text: problem });
    const area = this.contentEl.createEl("textarea", { cls: "notewright-edit", attr: { "aria-label": "Draft" } });
    area.value = this.text;
    area.addEventListener("input", () => {
      this.text = area.value;
      this.keep(area.value);
    });
    new Setting(this.contentEl)
      .addButton((button) => button.setButtonText("Cancel").onClick(() => this.close()))
      .addButton((button) =>
        button
          .setButtonText("Accept")
          .setCta()
          .onClick(() => {
            this.result = this.text;
            this.close();
          }),
      );
    area.focus();
  }

  override onClose(): void {
    this.contentEl.empty();
    this.answer(this.result);
  }
}
