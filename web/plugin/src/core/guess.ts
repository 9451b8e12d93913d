/** Which source a note is about, from what the note says of itself. */

import type { Source } from "./types";

export interface NoteFacts {
  title: string;
  properties: Record<string, unknown>;
  text: string;
}

// Reader's addresses change when a document is moved to another list; its id stays.
const LINKS = [/readwise\.io\/bookreview\/(\d+)/, /read\.readwise\.io\/(?:\w+\/)?read\/([0-9A-Za-z]+)/];

/** What tells the source, surest first: Readwise's and Reader's ids in properties and text, then titles. */
export function clues(note: NoteFacts): { links: string[]; titles: string[] } {
  const values = Object.values(note.properties).flatMap(listed);
  const whole = [...values.filter((value): value is string => typeof value === "string"), note.text].join("\n");
  const links = LINKS.flatMap((pattern) => pattern.exec(whole)?.[1] ?? []);
  const named = ["source", "book", "article", "title", "aliases"].flatMap((name) => listed(note.properties[name]));
  const titles = [...named.filter((value): value is string => typeof value === "string" && value.length > 0), note.title];
  return { links, titles: [...new Set(titles.map((title) => title.replace(/^\[\[|\]\]$/g, "").replace(/\|.*$/, "").trim()))] };
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

/** The one source that fits, or null when none or several do and the person has to say. */
export function guess(note: NoteFacts, sources: readonly Source[]): Source | null {
  const { links, titles } = clues(note);
  for (const link of links) {
    const found = sources.filter((source) => LINKS.some((pattern) => [source.readwise_url, source.url].some((url) => pattern.exec(url)?.[1] === link)));
    if (found.length === 1 && found[0]) return found[0];
  }
  for (const title of titles.map(plain)) {
    const exact = sources.filter((source) => plain(source.title) === title);
    if (exact.length === 1 && exact[0]) return exact[0];
    const near = sources.filter((source) => within(plain(source.title), title, 6));
    if (near.length === 1 && near[0]) return near[0];
  }
  return null;
}

/** The chapter of the source that a heading names; empty when none does. */
export function chapterFor(heading: string, chapters: readonly string[]): string {
  const wanted = plain(heading);
  if (!wanted) return "";
  const exact = chapters.find((chapter) => plain(chapter) === wanted);
  if (exact) return exact;
  const near = chapters.filter((chapter) => within(plain(chapter), wanted, 1));
  return near.length === 1 && near[0] ? near[0] : "";
}

/** Are the words of one name, of so many letters at least, words of the other? */
function within(one: string, other: string, least: number): boolean {
  const [long, short] = one.length < other.length ? [other, one] : [one, other];
  return short.length >= least && ` ${long} `.includes(` ${short} `);
}

/** Letters and digits, for comparing names. */
export function plain(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

/** Every heading with its line (0-based); fenced code has none. */
function* headings(text: string): Generator<{ line: number; title: string }> {
  let fence = "";
  for (const [line, row] of text.split(/\r\n?|\n/).entries()) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(row)?.[1];
    if (mark && !fence) fence = mark;
    else if (mark && fence && mark.startsWith(fence)) fence = "";
    else if (!fence) {
      const title = /^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/.exec(row)?.[1];
      if (title !== undefined) yield { line, title };
    }
  }
}

export function headingsOf(text: string): string[] {
  return [...headings(text)].map((heading) => heading.title);
}

/** The heading that `line` (0-based) stands under. Empty before the first. */
export function headingAt(text: string, line: number): string {
  return [...headings(text)].filter((heading) => heading.line <= line).at(-1)?.title ?? "";
}

/** The nearest place at or after `at` where a section may stand: not inside of the properties at the top. */
export function outsideProperties(note: string, at: number): number {
  const properties = /^\uFEFF?---[ \t]*\r?\n(?:[^]*?\r?\n)?---[ \t]*(?:\r?\n|$)/.exec(note)?.[0].length ?? 0;
  return Math.max(at, properties);
}

/** The text with the newlines that keep it apart from what stands around it, for putting it at `at`. */
export function spaced(note: string, at: number, text: string): string {
  const body = text.replace(/^\s*\n|\s+$/g, "");
  const before = note.slice(0, at);
  const after = note.slice(at);
  const lead = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  const tail = !after ? "\n" : after.startsWith("\n\n") ? "" : after.startsWith("\n") ? "\n" : "\n\n";
  return lead + body + tail;
}
