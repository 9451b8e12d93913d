/** The workspace and the application. */

import { Events } from "./component";
import { MarkdownView } from "./editor";
import { TFolder, Vault, type Disk, type TFile } from "./vault";
import { WorkspaceLeaf, type View } from "./workspace";

export class Workspace extends Events {
  makers = new Map<string, (leaf: WorkspaceLeaf) => View>([["markdown", (leaf) => new MarkdownView(leaf)]]);
  leaves: WorkspaceLeaf[] = [];
  active: WorkspaceLeaf | null = null;
  containerEl = document.createElement("main");
  constructor(readonly app: App) {
    super();
  }
  onLayoutReady(act: () => unknown): void {
    act();
  }
  getLeavesOfType(type: string): WorkspaceLeaf[] {
    return this.leaves.filter((leaf) => leaf.view?.getViewType() === type);
  }
  getActiveViewOfType<T extends View>(type: abstract new (...all: never[]) => T): T | null {
    return this.active?.view instanceof type ? this.active.view : null;
  }
  getActiveFile(): TFile | null {
    return this.active?.view instanceof MarkdownView ? this.active.view.file : null;
  }
  getRightLeaf(_split: boolean): WorkspaceLeaf {
    const leaf = new WorkspaceLeaf(this.app);
    this.leaves.push(leaf);
    this.containerEl.appendChild(leaf.containerEl);
    return leaf;
  }
  revealLeaf(_leaf: WorkspaceLeaf): Promise<void> {
    return Promise.resolve();
  }
  /** Opens a note in a leaf of its own and makes it the active one. */
  async openNote(path: string): Promise<MarkdownView> {
    const file = this.app.vault.getFileByPath(path);
    if (!file) throw new Error(`no note ${path}`);
    const leaf = this.getRightLeaf(false);
    await leaf.setViewState({ type: "markdown" });
    const view = leaf.view as MarkdownView;
    await view.show(file);
    this.active = leaf;
    this.trigger("layout-change");
    return view;
  }
}

export class App {
  vault: Vault;
  workspace = new Workspace(this);
  metadataCache = { getFileCache: (file: TFile): { frontmatter?: Record<string, unknown> } | null => this.caches.get(file.path) ?? null };
  caches = new Map<string, { frontmatter?: Record<string, unknown> }>();
  /** Where the vault's settings put new notes. */
  newNotes = "";
  fileManager = { getNewFileParent: (_from: string): TFolder => new TFolder(this.newNotes || "/") };
  private secrets = new Map<string, string>();
  secretStorage = {
    getSecret: (id: string): string | null => this.secrets.get(id) ?? null,
    setSecret: (id: string, secret: string): void => void this.secrets.set(id, secret),
  };
  constructor(disk: Disk) {
    this.vault = new Vault(disk);
  }
  loadLocalStorage(key: string): unknown {
    return this.secrets.get(`local ${key}`) ?? null;
  }
  saveLocalStorage(key: string, value: unknown): void {
    this.secrets.set(`local ${key}`, String(value));
  }
}
