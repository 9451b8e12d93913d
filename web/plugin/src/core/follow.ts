/** Following a passage through later edits of its note, by the difference of the two texts: whatever changed elsewhere only moves it. */

import { diffLines, diffWordsWithSpace, type Change } from "diff";

export interface Span {
  start: number;
  end: number;
}

/** Where `span` of `before` lies in `after`; empty (start = end) when nothing of it is left.
 *
 * As the server has it: lines added inside, fastened to its end without a blank line, or put before it into its own list or quote are part of
 * it now; others beside it are not, and the note's properties never are.
 */
export function mapSpan(before: string, after: string, span: Span): Span {
  if (before === after) return span;
  const pieces = refine(diffLines(before, after));
  let old = 0;
  let fresh = 0;
  let start = -1;
  let end = -1;
  for (const piece of pieces) {
    const length = piece.value.length;
    if (piece.added) {
      // Inside of the passage an addition is part of it; what stands at its end only if the passage goes on after it.
      fresh += length;
      continue;
    }
    const from = Math.max(span.start, old);
    const to = Math.min(span.end, old + length);
    if (!piece.removed && from < to) {
      if (start < 0) start = fresh + (from - old);
      end = fresh + (to - old);
    }
    old += length;
    if (!piece.removed) fresh += length;
  }
  if (start < 0) return replaced(pieces, span);
  return fasten(after, outside(pieces, span), widen(pieces, span, { start, end }));
}

/** Where, in the new text, stands what stood outside of the passage before. */
function outside(pieces: Change[], span: Span): Span[] {
  const kept: Span[] = [];
  let old = 0;
  let fresh = 0;
  for (const piece of pieces) {
    const length = piece.value.length;
    if (!piece.added && !piece.removed) {
      const before = Math.min(length, Math.max(0, span.start - old));
      const beyond = Math.min(length, Math.max(0, span.end - old));
      kept.push({ start: fresh, end: fresh + before }, { start: fresh + beyond, end: fresh + length });
    }
    if (!piece.added) old += length;
    if (!piece.removed) fresh += length;
  }
  return kept;
}

const PROPERTIES = /^---[ \t]*\r?\n[\s\S]*?\r?\n---[ \t]*(?:\r?\n|$)/;

/** What makes a line a list item or a part of a quote; empty where it is neither. */
function mark(line: string): string {
  const found = /^\s*(?:(>)|([-+*])\s|\d+([.)])\s)/.exec(line);
  return found ? (found[1] ? "quote" : found[2] ? "bullet" : "number") : "";
}

/** To the ends of its lines, over new lines below up to a blank one, a heading, or one that was there before, and over those above that belong
 * to its own list or quote. */
function fasten(after: string, kept: Span[], { start, end }: Span): Span {
  const isNew = (from: number, to: number): boolean =>
    !kept.some((item) => after.slice(Math.max(from, item.start), Math.min(to, item.end)).trim());
  const joins = (from: number, to: number): boolean =>
    after.slice(from, to).trim() !== "" && !/^ {0,3}#{1,6}\s/.test(after.slice(from, to)) && isNew(from, to);
  const lineEnd = (at: number): number => (after.indexOf("\n", at) < 0 ? after.length : after.indexOf("\n", at));
  const lineStart = (at: number): number => (at > 0 ? after.lastIndexOf("\n", at - 1) + 1 : 0);
  if (isNew(end, lineEnd(end))) {
    end = lineEnd(end);
    while (end < after.length && joins(end + 1, lineEnd(end + 1))) end = lineEnd(end + 1);
  }
  if (isNew(lineStart(start), start)) {
    start = lineStart(start);
    const own = start;
    const properties = PROPERTIES.exec(after)?.[0].length ?? 0;
    const low = own < properties ? 0 : properties;
    while (start > low && joins(lineStart(start - 1), start - 1)) start = lineStart(start - 1);
    const kind = mark(after.slice(own, lineEnd(own)));
    while (start < own && !(kind && mark(after.slice(start, lineEnd(start))) === kind)) start = lineEnd(start) + 1;
  }
  const text = after.slice(start, end);
  return { start: start + text.length - text.trimStart().length, end: start + text.trimEnd().length };
}

/** Lines that were removed and added together are compared word by word. */
function refine(changes: Change[]): Change[] {
  const result: Change[] = [];
  for (let index = 0; index < changes.length; index++) {
    const change = changes[index];
    const next = changes[index + 1];
    if (change?.removed && next?.added) {
      result.push(...diffWordsWithSpace(change.value, next.value));
      index++;
    } else if (change) result.push(change);
  }
  return result;
}

/** Takes in what replaced the passage's own first and last words: additions that directly meet a removal inside of the span. */
function widen(pieces: Change[], span: Span, found: Span): Span {
  let old = 0;
  let fresh = 0;
  let { start, end } = found;
  pieces.forEach((piece, index) => {
    const length = piece.value.length;
    if (piece.added) {
      const before = pieces[index - 1];
      const after = pieces[index + 1];
      const removedBefore = before?.removed ? { from: old - before.value.length, to: old } : null;
      const removedAfter = after?.removed ? { from: old, to: old + after.value.length } : null;
      const meets = [removedBefore, removedAfter].some((gone) => gone && gone.from < span.end && gone.to > span.start);
      if (meets) {
        start = Math.min(start, fresh);
        end = Math.max(end, fresh + length);
      }
      fresh += length;
    } else {
      old += length;
      if (!piece.removed) fresh += length;
    }
  });
  return { start, end };
}

/** Nothing of the passage stayed: what was put in its place, if anything was. */
function replaced(pieces: Change[], span: Span): Span {
  const none = { start: Number.POSITIVE_INFINITY, end: -1 };
  const wide = widen(pieces, span, none);
  if (wide.end < 0) {
    const at = positionAt(pieces, span.start);
    return { start: at, end: at };
  }
  return wide;
}

function positionAt(pieces: Change[], oldPosition: number): number {
  let old = 0;
  let fresh = 0;
  for (const piece of pieces) {
    const length = piece.value.length;
    if (piece.added) fresh += length;
    else {
      if (oldPosition <= old + length) return fresh + (piece.removed ? 0 : oldPosition - old);
      old += length;
      if (!piece.removed) fresh += length;
    }
  }
  return fresh;
}

const SHARE = 0.6; // of a cut passage's letters that must stand together elsewhere to be that passage
const APART = 2; // lines of others between two of its own

/** Where a passage that was cut out of its note stands in this one, whole or for the most part; null if it is not here. */
export function findIn(note: string, passage: string): Span | null {
  const wanted = passage.trim();
  if (!wanted) return null;
  const whole = note.indexOf(wanted);
  if (whole >= 0) return { start: whole, end: whole + wanted.length };
  const own = new Set(wanted.split("\n").map((line) => line.trim()).filter(Boolean));
  const all = [...own].join("").length;
  let best: Span | null = null;
  let most = SHARE * all;
  let run: { span: Span; letters: number; strange: number } | null = null;
  let at = 0;
  for (const line of note.split("\n")) {
    const text = line.trim();
    const end = at + line.trimEnd().length;
    if (own.has(text)) {
      run ??= { span: { start: at + line.indexOf(text), end }, letters: 0, strange: 0 };
      run = { span: { ...run.span, end }, letters: run.letters + text.length, strange: 0 };
      if (run.letters >= most) [best, most] = [run.span, run.letters];
    } else if (text && run && ++run.strange > APART) run = null;
    at += line.length + 1;
  }
  return best;
}

/** A passage that Obsidian inserted and that is being followed. `note` is the whole note when it was last looked at; `gone` is when the
 * passage vanished from it, and then `path` is empty. `copies` are other notes that had it while it stood in its own, and since when. */
export interface Followed {
  draft: string;
  path: string;
  note: string;
  span: Span;
  sent: string;
  gone?: number;
  copies?: Record<string, number>;
}

/** The passage in the note as it is now, and the record that follows it from here. */
export function look(followed: Followed, note: string): { text: string; next: Followed } {
  const span = mapSpan(followed.note, note, followed.span);
  return { text: note.slice(span.start, span.end), next: { ...followed, note, span } };
}

/** The record brought up to the note as it is now, so that all passages of a note share one text. One that is not there keeps the text that had
 * it: it may be back when it is looked at. */
export function carry(followed: Followed, note: string): Followed {
  const { text, next } = look(followed, note);
  return text ? next : followed;
}

/** On disk: each text of a note once, and in each record the number of its own. Before there were numbers, each had the whole text. */
export interface Kept {
  notes: string[];
  followed: (Omit<Followed, "note"> & { note: number | string })[];
}

export function pack(followed: readonly Followed[]): Kept {
  const numbers = new Map<string, number>();
  const number = (note: string): number => numbers.get(note) ?? numbers.set(note, numbers.size).size - 1;
  const records = followed.map((item) => ({ ...item, note: number(item.note) }));
  return { notes: [...numbers.keys()], followed: records };
}

export function unpack({ notes = [], followed = [] }: Partial<Kept>): Followed[] {
  return followed.map((item) => ({ ...item, note: typeof item.note === "string" ? item.note : (notes[item.note] ?? "") }));
}
