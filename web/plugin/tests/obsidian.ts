/** The part of Obsidian's API that the plugin uses, faithful in what matters to it: files, the editor, views, modals, commands.
 *
 * Files lie in a `Disk`; a test gives one in memory, the end-to-end page one that writes real files. `tests/fake.types.test.ts` holds this
 * against the published types.
 */

export interface Disk {
  list(): Promise<string[]>;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  rename(path: string, to: string): Promise<void>;
}

type Listener = (...values: never[]) => unknown;

export class Events {
  private listeners = new Map<string, Listener[]>();
  on(name: string, listener: Listener): { off: () => void } {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    return { off: () => this.listeners.set(name, (this.listeners.get(name) ?? []).filter((known) => known !== listener)) };
  }
  trigger(name: string, ...values: unknown[]): void {
    for (const listener of this.listeners.get(name) ?? []) (listener as (...all: unknown[]) => unknown)(...values);
  }
}

export class TFile {
  constructor(public path: string) {}
  get basename(): string {
    return this.name.replace(/\.[^.]*$/, "");
  }
  get name(): string {
    return this.path.split("/").at(-1) ?? "";
  }
}

export class TFolder {
  constructor(public path: string) {}
}

export class Vault extends Events {
  private files = new Map<string, TFile>();
  private folders = new Set<string>();
  constructor(private readonly disk: Disk) {
    super();
  }
  async open(): Promise<void> {
    for (const path of await this.disk.list()) this.know(path);
  }
  private know(path: string): TFile {
    const file = new TFile(path);
    this.files.set(path, file);
    const parts = path.split("/").slice(0, -1);
    parts.forEach((_, index) => this.folders.add(parts.slice(0, index + 1).join("/")));
    return file;
  }
  getFileByPath(path: string): TFile | null {
    return this.files.get(path) ?? null;
  }
  getFolderByPath(path: string): TFolder | null {
    return this.folders.has(path) ? new TFolder(path) : null;
  }
  getAbstractFileByPath(path: string): TFile | TFolder | null {
    return this.getFileByPath(path) ?? this.getFolderByPath(path);
  }
  read(file: TFile): Promise<string> {
    return this.disk.read(file.path);
  }
  cachedRead(file: TFile): Promise<string> {
    return this.disk.read(file.path);
  }
  async create(path: string, text: string): Promise<TFile> {
    if (this.getAbstractFileByPath(path)) throw new Error("File already exists.");
    const folder = path.split("/").slice(0, -1).join("/");
    if (folder && !this.folders.has(folder)) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
    await this.disk.write(path, text);
    const file = this.know(path);
    this.trigger("create", file);
    return file;
  }
  createFolder(path: string): Promise<TFolder> {
    if (this.folders.has(path)) return Promise.reject(new Error("Folder already exists."));
    this.folders.add(path);
    return Promise.resolve(new TFolder(path));
  }
  /** The callback is synchronous; what it throws leaves the file as it was. */
  async process(file: TFile, change: (text: string) => string): Promise<string> {
    const text = change(await this.disk.read(file.path));
    await this.modify(file, text);
    return text;
  }
  async modify(file: TFile, text: string): Promise<void> {
    await this.disk.write(file.path, text);
    this.trigger("modify", file);
  }
  async rename(file: TFile, to: string): Promise<void> {
    const before = file.path;
    await this.disk.rename(before, to);
    this.files.delete(before);
    file.path = to;
    this.files.set(to, file);
    this.trigger("rename", file, before);
  }
}

export class Component {
  private children: Component[] = [];
  private ends: (() => void)[] = [];
  load(): void {
    this.onload();
  }
  onload(): unknown {
    return undefined;
  }
  onunload(): void {}
  unload(): void {
    this.onunload();
    for (const child of this.children) child.unload();
    for (const end of this.ends) end();
    this.children = [];
    this.ends = [];
  }
  addChild<T extends Component>(child: T): T {
    this.children.push(child);
    child.load();
    return child;
  }
  removeChild<T extends Component>(child: T): T {
    this.children = this.children.filter((known) => known !== child);
    child.unload();
    return child;
  }
  register(end: () => void): void {
    this.ends.push(end);
  }
  registerEvent(event: { off: () => void }): void {
    this.register(event.off);
  }
  registerInterval(id: number): number {
    this.register(() => window.clearInterval(id));
    return id;
  }
  registerDomEvent(element: HTMLElement, name: string, act: (event: never) => unknown): void {
    element.addEventListener(name, act as EventListener);
    this.register(() => element.removeEventListener(name, act as EventListener));
  }
}

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
  setValue(text: string): void {
    this.text = text;
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

export class WorkspaceLeaf {
  view: View | null = null;
  containerEl = document.createElement("div");
  constructor(readonly app: App) {}
  async setViewState(state: { type: string }): Promise<void> {
    if (this.view?.getViewType() === state.type) return;
    const make = this.app.workspace.makers.get(state.type);
    if (!make) throw new Error(`no view ${state.type}`);
    this.view = make(this);
    this.containerEl.replaceChildren(this.view.containerEl);
    this.view.load();
    await this.view.onOpen();
  }
  async detach(): Promise<void> {
    await this.view?.onClose();
    this.view?.unload();
    this.view = null;
    this.containerEl.remove();
  }
}

export abstract class View extends Component {
  app: App;
  icon = "";
  containerEl = document.createElement("div");
  constructor(readonly leaf: WorkspaceLeaf) {
    super();
    this.app = leaf.app;
  }
  abstract getViewType(): string;
  abstract getDisplayText(): string;
  onOpen(): Promise<void> {
    return Promise.resolve();
  }
  onClose(): Promise<void> {
    return Promise.resolve();
  }
}

export abstract class ItemView extends View {
  contentEl = this.containerEl.appendChild(document.createElement("div"));
}

export class MarkdownView extends View {
  editor = new Editor();
  file: TFile | null = null;
  getViewType(): string {
    return "markdown";
  }
  getDisplayText(): string {
    return this.file?.basename ?? "";
  }
  async show(file: TFile): Promise<void> {
    this.file = file;
    this.editor.setValue(await this.app.vault.read(file));
    this.editor.setCursor({ line: 0, ch: 0 });
  }
  async save(): Promise<void> {
    if (this.file && (await this.app.vault.read(this.file)) !== this.editor.getValue()) await this.app.vault.modify(this.file, this.editor.getValue());
  }
}

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
    return view;
  }
}

export class App {
  vault: Vault;
  workspace = new Workspace(this);
  metadataCache = { getFileCache: (file: TFile): { frontmatter?: Record<string, unknown> } | null => this.caches.get(file.path) ?? null };
  caches = new Map<string, { frontmatter?: Record<string, unknown> }>();
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
    const bar = this.app.workspace.containerEl.appendChild(dress(document.createElement("footer")));
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

export class PluginSettingTab {
  containerEl = dress(document.createElement("section"));
  constructor(
    readonly app: App,
    _plugin: unknown,
  ) {}
  display(): void {}
  hide(): void {}
}

export class Setting {
  settingEl: HTMLElement;
  private nameEl: HTMLElement;
  private descEl: HTMLElement;
  constructor(parent: HTMLElement) {
    this.settingEl = parent.appendChild(dress(document.createElement("div")));
    this.nameEl = this.settingEl.appendChild(document.createElement("b"));
    this.descEl = this.settingEl.appendChild(document.createElement("p"));
  }
  setName(name: string): this {
    this.nameEl.textContent = name;
    return this;
  }
  setDesc(text: string): this {
    this.descEl.textContent = text;
    return this;
  }
  addText(fill: (field: TextField) => unknown): this {
    fill(new TextField(this.settingEl));
    return this;
  }
  addButton(fill: (button: Button) => unknown): this {
    fill(new Button(this.settingEl));
    return this;
  }
  addToggle(fill: (toggle: Valued<boolean>) => unknown): this {
    fill(new Valued<boolean>());
    return this;
  }
  addSlider(fill: (slider: Valued<number>) => unknown): this {
    fill(new Valued<number>());
    return this;
  }
}

class Valued<T> {
  setLimits(): this {
    return this;
  }
  setValue(_value: T): this {
    return this;
  }
  onChange(_act: (value: T) => unknown): this {
    return this;
  }
}

class TextField {
  inputEl: HTMLInputElement;
  constructor(parent: HTMLElement) {
    this.inputEl = parent.appendChild(document.createElement("input"));
  }
  setValue(value: string): this {
    this.inputEl.value = value;
    return this;
  }
  setPlaceholder(text: string): this {
    this.inputEl.placeholder = text;
    return this;
  }
  onChange(act: (value: string) => unknown): this {
    this.inputEl.addEventListener("input", () => act(this.inputEl.value));
    return this;
  }
}

class Button {
  buttonEl: HTMLButtonElement;
  constructor(parent: HTMLElement) {
    this.buttonEl = parent.appendChild(document.createElement("button"));
  }
  setButtonText(text: string): this {
    this.buttonEl.textContent = text;
    return this;
  }
  setCta(): this {
    return this;
  }
  onClick(act: () => unknown): this {
    this.buttonEl.addEventListener("click", () => act());
    return this;
  }
}

export class Notice {
  static shown: string[] = [];
  constructor(text: string, _milliseconds?: number) {
    Notice.shown.push(text);
  }
}

export class Modal {
  static open: Modal[] = [];
  modalEl = dress(document.createElement("dialog"));
  contentEl = this.modalEl.appendChild(dress(document.createElement("div")));
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

export const MarkdownRenderer = {
  /** Headings, bullets and paragraphs are told apart; Obsidian's own does far more. */
  render(_app: App, markdown: string, el: HTMLElement, _path: string, _component: Component): Promise<void> {
    for (const line of markdown.split("\n").filter((text) => text.trim())) {
      const tag = /^#{1,6} /.test(line) ? "h5" : /^[-*+] |^\d+\. /.test(line) ? "li" : "p";
      const row = el.appendChild(document.createElement(tag));
      row.textContent = line.replace(/^(#{1,6}|[-*+]|\d+\.) /, "");
    }
    return Promise.resolve();
  },
};

export const Platform = { isMobile: false };

export function normalizePath(path: string): string {
  return path.replace(/[\\/]+/g, "/").replace(/^\/|\/$/g, "").replace(/\u00a0/g, " ").normalize("NFC");
}

export function debounce<T extends unknown[]>(act: (...values: T) => unknown, wait = 0, reset = false): (...values: T) => void {
  let timer: number | undefined;
  return (...values: T) => {
    if (timer !== undefined && !reset) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      timer = undefined;
      act(...values);
    }, wait);
  };
}

export async function requestUrl(request: {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  throw?: boolean;
}): Promise<{ status: number; text: string }> {
  const { url, method, headers, body } = request;
  const answer = await fetch(url, { ...(method ? { method } : {}), ...(headers ? { headers } : {}), ...(body === undefined ? {} : { body }) });
  if (!answer.ok && request.throw !== false) throw new Error(`Request failed, status ${answer.status}`);
  return { status: answer.status, text: await answer.text() };
}

/** Obsidian adds these to every element. */
export function dress<T extends HTMLElement>(element: T): T {
  return element;
}

interface Made {
  cls?: string;
  text?: string;
  attr?: Record<string, string>;
}

const additions = {
  createEl(this: HTMLElement, tag: string, made: Made = {}): HTMLElement {
    const element = this.ownerDocument.createElement(tag);
    if (made.cls) element.className = made.cls;
    if (made.text !== undefined) element.textContent = made.text;
    for (const [name, value] of Object.entries(made.attr ?? {})) element.setAttribute(name, value);
    return this.appendChild(element);
  },
  createDiv(this: HTMLElement, made: Made = {}): HTMLElement {
    return additions.createEl.call(this, "div", made);
  },
  createSpan(this: HTMLElement, made: Made = {}): HTMLElement {
    return additions.createEl.call(this, "span", made);
  },
  empty(this: HTMLElement): void {
    this.replaceChildren();
  },
  setText(this: HTMLElement, text: string): void {
    this.textContent = text;
  },
  addClass(this: HTMLElement, ...names: string[]): void {
    this.classList.add(...names);
  },
  removeClass(this: HTMLElement, ...names: string[]): void {
    this.classList.remove(...names);
  },
  toggleClass(this: HTMLElement, name: string, on: boolean): void {
    this.classList.toggle(name, on);
  },
};
for (const [name, act] of Object.entries(additions)) {
  Object.defineProperty(Element.prototype, name, { value: act, configurable: true, writable: true });
}
