/** Notices, modals, menus. */

import type { App } from "./app";

export class Notice {
  static shown: string[] = [];
  static last: Notice | null = null;
  messageEl = document.createElement("div");
  constructor(message: string | DocumentFragment, _milliseconds?: number) {
    this.messageEl.append(message);
    Notice.shown.push(this.messageEl.textContent ?? "");
    Notice.last = this;
  }
  hide(): void {
    this.messageEl.remove();
  }
}

export class Modal {
  static open: Modal[] = [];
  modalEl = document.createElement("dialog");
  contentEl = this.modalEl.appendChild(document.createElement("div"));
  constructor(readonly app: App) {}
  setTitle(title: string): this {
    this.modalEl.setAttribute("aria-label", title);
    return this;
  }
  open(): void {
    Modal.open.push(this);
    this.app.workspace.containerEl.appendChild(this.modalEl);
    this.modalEl.setAttribute("open", "");
    void this.onOpen();
  }
  close(): void {
    Modal.open = Modal.open.filter((known) => known !== this);
    this.modalEl.remove();
    this.onClose();
  }
  onOpen(): unknown {
    return undefined;
  }
  onClose(): void {}
}

/** Shows its items as buttons; Obsidian's closes before it tells what was chosen, and so does this one. */
export abstract class FuzzySuggestModal<T> extends Modal {
  setPlaceholder(text: string): void {
    this.modalEl.setAttribute("aria-label", text);
  }
  abstract getItems(): T[];
  abstract getItemText(item: T): string;
  abstract onChooseItem(item: T, event?: unknown): void;
  override onOpen(): void {
    for (const item of this.getItems()) {
      const row = this.contentEl.appendChild(document.createElement("button"));
      row.textContent = this.getItemText(item);
      row.addEventListener("click", () => {
        this.close();
        this.onChooseItem(item);
      });
    }
  }
}

export class Menu {
  static last: { title: string; act: () => unknown }[] = [];
  private items: { title: string; act: () => unknown }[] = [];
  addItem(fill: (item: MenuItem) => unknown): this {
    const item = new MenuItem();
    fill(item);
    this.items.push(item);
    return this;
  }
  addSeparator(): this {
    return this;
  }
  showAtPosition(_place: { x: number; y: number }): this {
    Menu.last = this.items;
    return this;
  }
}

class MenuItem {
  title = "";
  act: () => unknown = () => undefined;
  setTitle(title: string): this {
    this.title = title;
    return this;
  }
  onClick(act: () => unknown): this {
    this.act = act;
    return this;
  }
}
