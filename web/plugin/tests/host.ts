/** A small Obsidian in a page, for the end-to-end test: the fake's API, files through functions that the test provides, the built main.js. */

import * as fake from "./obsidian/index";

declare global {
  interface Window {
    diskList(): Promise<string[]>;
    diskRead(path: string): Promise<string>;
    diskWrite(path: string, text: string): Promise<void>;
    diskRename(path: string, to: string): Promise<void>;
    diskRemove(path: string): Promise<void>;
    host: Host;
  }
}

class Host {
  app!: fake.App;
  plugin!: fake.Plugin & { token: { set(token: string): void }; settings: Record<string, unknown> };
  notices = fake.Notice.shown;

  async start(mainJs: string, address: string, link: string): Promise<void> {
    // The server draws Markdown as Obsidian shows it, near enough; the plugin cannot tell.
    fake.MarkdownRenderer.render = async (_app, markdown, el, path): Promise<void> => {
      const headers = { "Content-Type": "application/json", Authorization: `Bearer ${link.split("token=")[1] ?? ""}` };
      const answer = await fetch(`${address}/api/preview`, { method: "POST", headers, body: JSON.stringify({ markdown, note_path: path }) });
      el.innerHTML = ((await answer.json()) as { html: string }).html;
    };
    this.app = new fake.App({
      list: () => window.diskList(),
      read: (path) => window.diskRead(path),
      write: (path, text) => window.diskWrite(path, text),
      rename: (path, to) => window.diskRename(path, to),
      remove: (path) => window.diskRemove(path),
    });
    await this.app.vault.open();
    document.body.replaceChildren(this.app.workspace.containerEl);
    const module = { exports: {} as { default?: new (app: fake.App, manifest: { id: string }) => Host["plugin"] } };
    const require = (name: string): unknown => {
      if (name !== "obsidian") throw new Error(`the plugin asked for ${name}`);
      return fake;
    };
    new Function("module", "exports", "require", mainJs)(module, module.exports, require);
    if (!module.exports.default) throw new Error("main.js has no default export");
    this.plugin = new module.exports.default(this.app, { id: "notewright" });
    fake.Plugin.data = { settings: { address } };
    await this.plugin.onload();
    this.plugin.token.set(link);
  }

  async open(path: string, line: number): Promise<void> {
    const view = await this.app.workspace.openNote(path);
    view.editor.setCursor({ line, ch: 0 });
  }

  command(id: string): void {
    this.plugin.commands.get(id)?.callback?.();
  }

  value(): string {
    return this.view().editor.getValue();
  }

  async change(from: string, to: string): Promise<void> {
    const view = this.view();
    if (!view.editor.getValue().includes(from)) throw new Error(`${from} is not in the note`);
    view.editor.setValue(view.editor.getValue().replace(from, to));
    await view.save();
  }

  /** The settings in place of everything else. */
  openSettings(): void {
    const [tab] = this.plugin.tabs;
    if (!tab) throw new Error("there are no settings");
    document.body.replaceChildren(tab.containerEl);
    tab.open("1.13");
  }

  private view(): fake.MarkdownView {
    const view = this.app.workspace.getActiveViewOfType(fake.MarkdownView);
    if (!view) throw new Error("no note is open");
    return view;
  }
}

window.host = new Host();
