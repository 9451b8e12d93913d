import { Notice, type TFile } from "obsidian";
import type NotewrightPlugin from "./main";
import { isFinal } from "./core/api";
import { findIn, isBack } from "./core/find";
import { forget, look, lookAtAll, makeRoom, type Followed } from "./core/follow";
import { Outbox, nameOf, type Letter } from "./core/outbox";
import { lf, textOf, type Written } from "./insert";

const RECENT = 10 * 60_000; // milliseconds in which what was cut here was pasted there, and a note that was deleted is put back
const LOOK_ABOUT = 7 * 86_400_000; // in which a passage that was deleted may turn up again

/** Inserted passages, wherever they go: what became of them is told once they are quiet, and kept on disk until the server has it. */
export class Following {
  private readonly outbox: Outbox;
  private readonly changed = new Map<string, number>();
  private readonly recent = new Map<string, number>();
  private dirty = false;

  constructor(private readonly plugin: NotewrightPlugin) {
    const { data } = plugin;
    this.outbox = new Outbox(
      {
        load: () => data.outbox,
        keep: (letters, over) => {
          data.outbox = letters;
          if (over) data.delivered[nameOf(over)] = Date.now();
        },
        save: () => plugin.store(),
      },
      (letter) => this.deliver(letter),
      (error, letter) => isFinal(error, letter.at),
    );
    // Whatever happened while Obsidian was closed.
    for (const followed of data.followed) if (followed.gone === undefined) this.changed.set(followed.path, 0);
  }

  noteChanged(path: string): void {
    this.changed.set(path, Date.now());
    this.recent.set(path, Date.now());
  }

  noteCreated(path: string): void {
    if (path.endsWith(".md") && this.plugin.data.followed.length) this.noteChanged(path);
  }

  /** A note or a folder. */
  noteDeleted(path: string): Promise<void> {
    return this.leave((own) => own === path || own.startsWith(`${path}/`));
  }

  /** A sync may put a note back that it has just deleted, so that for now nothing is told or forgotten. */
  private async leave(isDeleted: (path: string) => boolean): Promise<void> {
    const { data } = this.plugin;
    const left = (item: Followed): boolean => item.away === undefined && item.gone === undefined && isDeleted(item.path);
    if (!data.followed.some(left)) return;
    data.followed = data.followed.map((item) => (left(item) ? { ...item, away: Date.now() } : item));
    await this.plugin.store();
  }

  async tell(done: Written, under: string | null): Promise<void> {
    const text = lf(done.note.slice(done.span.start, done.span.end));
    const note = lf(done.note);
    const start = lf(done.note.slice(0, done.span.start)).length;
    const followed = { draft: done.insertion.draft_id, path: done.file.path, note, span: { start, end: start + text.length }, sent: text };
    const { data } = this.plugin;
    // The draft itself may have been in a note before, and was taken out.
    const others = data.followed.filter((item) => item.draft !== followed.draft);
    const inserted = lf(done.insertion.inserted);
    const at = start - inserted.indexOf(text);
    const beside = others.filter((item) => item.path === followed.path);
    const moved = makeRoom(beside, note.slice(0, at) + note.slice(at + inserted.length), at, inserted);
    data.followed = [...others.filter((item) => item.path !== followed.path), ...moved, followed];
    await this.outbox.post({ kind: "insertion", body: { ...done.insertion, under }, at: Date.now() });
    await this.noteOldCopies(followed);
  }

  /** The note in which most of an inserted draft still stands; empty where it was taken out again. */
  async standsIn(draft: string): Promise<string> {
    const { app, data } = this.plugin;
    for (const followed of data.followed.filter((item) => item.draft === draft)) {
      const file = app.vault.getFileByPath(followed.path);
      if (file && findIn(look(followed, lf(await textOf(app, file))).text, followed.sent)) return file.path;
    }
    return "";
  }

  /** Notes that had the text before it was inserted: copies for ever so long. */
  private async noteOldCopies({ draft, path, sent }: Followed): Promise<void> {
    const { data, app } = this.plugin;
    const old: Record<string, number> = {};
    for (const file of app.vault.getMarkdownFiles()) {
      if (file.path !== path && findIn(lf(await app.vault.cachedRead(file)), sent)) old[file.path] = 0;
    }
    if (!Object.keys(old).length) return;
    data.followed = data.followed.map((item) => (item.draft === draft ? { ...item, copies: { ...old, ...item.copies } } : item));
    await this.plugin.store();
  }

  /** Passages in notes that changed and then were left alone are looked at; what they became is sent once. */
  async look(now: boolean): Promise<void> {
    await this.outbox.flush();
    const { settings } = this.plugin;
    let sent = await this.letGo(settings.logEdits || now);
    sent += settings.logEdits || now ? await this.lookAtQuiet(now) : 0;
    if (this.dirty) {
      this.dirty = false;
      await this.plugin.store();
      await this.outbox.flush();
    }
    if (!now) return;
    const told = sent ? `Logged ${sent} edited passage${sent === 1 ? "" : "s"}.` : "Nothing has changed in passages of mine here.";
    new Notice(this.outbox.waiting ? `${told} The server is told once it answers.` : told);
  }

  /** `now`: the note before the person, with what was typed and is not saved yet. */
  private async lookAtQuiet(now: boolean): Promise<number> {
    const { app, settings } = this.plugin;
    const active = app.workspace.getActiveFile()?.path;
    const quiet = Date.now() - settings.quietSeconds * 1000;
    const due = now ? (active ? [active] : []) : [...this.changed].flatMap(([path, at]) => (at > quiet ? [] : [path]));
    let sent = 0;
    for (const path of due) {
      const at = this.changed.get(path);
      this.changed.delete(path);
      const file = app.vault.getFileByPath(path);
      if (!file) {
        await this.leave((own) => own === path); // while Obsidian was closed
        continue;
      }
      try {
        sent += await this.lookAt(file, lf(await (now ? textOf(app, file) : app.vault.read(file))));
      } catch (error) {
        if (!this.changed.has(path)) this.changed.set(path, at ?? Date.now());
        if (now) throw error; // else it cannot be read just now, and will be looked at again
      }
    }
    return sent;
  }

  /** Passages whose notes were deleted: those that were pasted elsewhere are followed there; where the note is not put back they are told as
   * deleted, if anything `isTold`, and their words forgotten. */
  private async letGo(isTold: boolean): Promise<number> {
    const { data, app } = this.plugin;
    const since = Date.now() - RECENT;
    const dropped = new Set<Followed>();
    let sent = 0;
    for (const followed of data.followed.filter((item) => item.away !== undefined)) {
      if (app.vault.getFileByPath(followed.path)) {
        if (!this.changed.has(followed.path)) this.noteChanged(followed.path);
        continue;
      }
      const found = isTold ? await this.pasted(followed) : null;
      if (!found && (followed.away ?? 0) > since) continue;
      if (isTold) sent += this.became(followed, found ?? forget(followed), followed.path);
      else dropped.add(followed);
    }
    const about = Date.now() - LOOK_ABOUT;
    const kept = data.followed.filter((item) => !dropped.has(item) && (item.gone === undefined || item.gone > about));
    this.dirty ||= kept.length < data.followed.length;
    data.followed = kept;
    return sent;
  }

  private async lookAt(file: TFile, note: string): Promise<number> {
    const { data } = this.plugin;
    await this.noteCopies(file.path, note);
    let sent = 0;
    const named = data.followed.filter((item) => item.path === file.path);
    const here = named.filter((item) => item.away === undefined || isBack(item.note, note) || findIn(note, item.sent));
    for (const followed of named.filter((item) => !here.includes(item))) {
      sent += this.became(followed, (await this.pasted(followed)) ?? forget(followed), file.path);
    }
    for (const [index, { text, next }] of lookAtAll(here, note).entries()) {
      const followed = here[index] ?? next;
      const now = text ? { ...next, sent: text } : ((await this.pasted(followed)) ?? forget(followed));
      sent += this.became(followed, now, file.path);
    }
    if (!this.plugin.app.vault.getFileByPath(file.path)) return sent; // deleted meanwhile: nothing is put back there
    for (const followed of data.followed.filter((item) => item.away !== undefined || item.gone !== undefined)) {
      const now = followed.copies?.[file.path] === undefined ? this.foundIn(file.path, note, followed) : null;
      if (now) sent += this.became(followed, now, file.path);
    }
    return sent;
  }

  /** What a passage is now; a letter where that differs from what was told of it. Of one about which another look has told more meanwhile, or
   * which was put elsewhere, it says nothing. */
  private became(followed: Followed, seen: Followed, path: string): number {
    const { data } = this.plugin;
    const here = data.followed.find((item) => item.draft === followed.draft);
    if (here?.sent !== followed.sent || here.note !== followed.note) return 0;
    const now = since(followed, here, seen);
    const after = now.gone === undefined ? now.sent : "";
    this.dirty ||= now.note !== here.note || now.away !== here.away || now.path !== here.path || after !== here.sent;
    data.followed = data.followed.map((item) => (item === here ? now : item));
    if (after === here.sent) return 0;
    this.outbox.put({ kind: "edit", body: { draft: here.draft, before: here.sent, after, path: now.path || path }, at: Date.now() });
    return 1;
  }

  /** What stands in another note while it stands in its own is a copy. Where it is an old one, the passage has not moved there when it goes. */
  private async noteCopies(path: string, note: string): Promise<void> {
    const { vault } = this.plugin.app;
    for (const followed of this.plugin.data.followed) {
      const known = followed.copies?.[path] !== undefined;
      const copied = followed.path !== path && findIn(note, followed.trace ?? followed.sent) !== null;
      if (copied === known) continue;
      if (!copied) delete followed.copies?.[path];
      else {
        const own = vault.getFileByPath(followed.path);
        if (!own || !look(followed, lf(await vault.read(own))).text) continue;
        (followed.copies ??= {})[path] = this.recent.get(path) ?? Date.now();
      }
      this.dirty = true;
    }
  }

  /** A passage that is not in its note any more, in one that changed of late; null where it is in none. */
  private async pasted(followed: Followed): Promise<Followed | null> {
    const since = Date.now() - RECENT;
    for (const [path, at] of this.recent) {
      const here = Math.min(at, followed.copies?.[path] ?? at);
      const file = path !== followed.path && here > since ? this.plugin.app.vault.getFileByPath(path) : null;
      const found = file && this.foundIn(path, lf(await this.plugin.app.vault.read(file)), followed);
      if (found) return found;
    }
    return null;
  }

  private foundIn(path: string, note: string, { draft, sent, trace, copies }: Followed): Followed | null {
    const span = findIn(note, trace ?? sent);
    return span && { draft, path, note, span, sent: note.slice(span.start, span.end), ...(copies ? { copies } : {}) };
  }

  async renamed(before: string, after: string): Promise<void> {
    const { data } = this.plugin;
    const inFolder = `${before}/`;
    const moved = (path: string): string => (path === before ? after : path.startsWith(inFolder) ? after + path.slice(before.length) : path);
    const movedKeys = (copies: Record<string, number>): Record<string, number> =>
      Object.fromEntries(Object.entries(copies).map(([path, at]) => [moved(path), at]));
    const touched = data.followed.some((item) => [item.path, ...Object.keys(item.copies ?? {})].some((path) => moved(path) !== path));
    if (touched) data.followed = data.followed.map((item) => ({ ...item, path: moved(item.path), ...(item.copies ? { copies: movedKeys(item.copies) } : {}) }));
    for (const times of [this.changed, this.recent]) {
      for (const [path, at] of [...times]) {
        if (moved(path) === path) continue;
        times.delete(path);
        times.set(moved(path), at);
      }
    }
    for (const item of data.followed) if (item.away !== undefined && moved(before) === item.path) this.noteChanged(item.path); // put back so
    if (touched) await this.plugin.store();
  }

  private async deliver(letter: Letter): Promise<void> {
    const body = letter.body;
    if (letter.kind === "insertion") await this.plugin.api.inserted(body as never);
    else await this.plugin.api.edited(String(body.draft), String(body.before), String(body.after), String(body.path));
  }
}

/** What was `seen` of a record, with what befell it while it was looked at: another name, its note deleted, copies found. */
function since(before: Followed, here: Followed, seen: Followed): Followed {
  if (here === before) return seen;
  const isAway = here.away !== undefined && before.away === undefined;
  const place = seen.path === before.path ? { path: here.path, ...(isAway ? { away: here.away } : {}) } : {};
  return { ...seen, ...place, ...(here.copies ? { copies: here.copies } : {}) };
}
