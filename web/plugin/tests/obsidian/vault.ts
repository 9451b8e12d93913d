/** Files and folders, on a `Disk`: a test gives one in memory, the end-to-end page one that writes real files. */

import { Events } from "./component";

export interface Disk {
  list(): Promise<string[]>;
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  rename(path: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
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
  getName(): string {
    return "vault";
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
  getMarkdownFiles(): TFile[] {
    return [...this.files.values()].filter((file) => file.path.endsWith(".md"));
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
  /** Of a folder one event is sure, and those of its files are not relied upon. */
  async delete(file: TFile | TFolder): Promise<void> {
    for (const path of [...this.files.keys()]) {
      if (path !== file.path && !path.startsWith(`${file.path}/`)) continue;
      await this.disk.remove(path);
      this.files.delete(path);
    }
    this.folders.delete(file.path);
    this.trigger("delete", file);
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
