/** What a plugin derives from. */

import type { App } from "./app";
import { Component } from "./component";
import type { Editor, MarkdownView } from "./editor";
import { Setting } from "./settings";
import type { View, WorkspaceLeaf } from "./workspace";

export interface Command {
  id: string;
  name: string;
  callback?: () => unknown;
  editorCallback?: (editor: Editor, view: MarkdownView) => unknown;
}

export class Plugin extends Component {
  commands = new Map<string, Command>();
  tabs: PluginSettingTab[] = [];
  bars: HTMLElement[] = [];
  static data: unknown = null;
  constructor(
    readonly app: App,
    readonly manifest: { id: string },
  ) {
    super();
  }
  addCommand(command: Command): Command {
    this.commands.set(command.id, command);
    return command;
  }
  addSettingTab(tab: PluginSettingTab): void {
    this.tabs.push(tab);
  }
  addStatusBarItem(): HTMLElement {
    const bar = this.app.workspace.containerEl.appendChild(document.createElement("footer"));
    this.bars.push(bar);
    this.register(() => bar.remove());
    return bar;
  }
  registerView(type: string, make: (leaf: WorkspaceLeaf) => View): void {
    this.app.workspace.makers.set(type, make);
    this.register(() => this.app.workspace.makers.delete(type));
  }
  loadData(): Promise<unknown> {
    return Promise.resolve(Plugin.data === null ? null : structuredClone(Plugin.data));
  }
  saveData(data: unknown): Promise<void> {
    Plugin.data = JSON.parse(JSON.stringify(data));
    return Promise.resolve();
  }
}

export interface Definition {
  name: string;
  desc?: string;
  render(setting: Setting): unknown;
}

export class PluginSettingTab {
  containerEl = document.createElement("section");
  constructor(
    readonly app: App,
    _plugin: unknown,
  ) {}
  getSettingDefinitions(): Definition[] {
    return [];
  }
  display(): void {}
  hide(): void {}
  /** What a click on the tab does: since 1.13 its definitions are drawn, where it has any, and `display` is not called. */
  open(version: "1.12" | "1.13"): void {
    const definitions = version === "1.13" ? this.getSettingDefinitions() : [];
    if (!definitions.length) return this.display();
    this.containerEl.replaceChildren();
    for (const { name, desc, render } of definitions) render(new Setting(this.containerEl).setName(name).setDesc(desc ?? ""));
  }
}
