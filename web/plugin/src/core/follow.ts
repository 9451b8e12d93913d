/** Following a passage through later edits of its note, by the difference of the two texts: whatever changed elsewhere only moves it. */

import { diffLines, diffWordsWithSpace, type Change } from "diff";
import { traceOf, type Trace } from "./find";

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
  const pieces = refine(slid(diffLines(before, after), span));
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

const HEADING = /^ {0,3}#{1,6}\s/;
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
    after.slice(from, to).trim() !== "" && !HEADING.test(after.slice(from, to)) && isNew(from, to);
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

/** Of equal lines around what was taken out or put in, those are taken for it that make it end where the passage or a paragraph does: of two
 * sections under one heading, the upper one is gone with its own heading. */
function slid(changes: Change[], span: Span): Change[] {
  const result = changes.map((change) => ({ ...change }));
  const stays = (change: Change | undefined): boolean => !change?.added && !change?.removed;
  let old = 0;
  result.forEach((piece, index) => {
    const above = result[index - 1];
    const below = result[index + 1];
    if (!stays(piece) && stays(above) && stays(below)) {
      const lines = [above, piece, below].flatMap((part) => linesOf(part?.value ?? ""));
      const start = linesOf(above?.value ?? "").length;
      const end = start + linesOf(piece.value).length;
      const by = best(lines, start, end, piece.removed ? { at: old - (above?.value.length ?? 0), span } : null);
      const cut = (from: number, to: number): string => lines.slice(from, to).join("");
      old += above ? cut(0, start + by).length - above.value.length : 0;
      if (above) above.value = cut(0, start + by);
      piece.value = cut(start + by, end + by);
      if (below) below.value = cut(end + by, lines.length);
    }
    if (!piece.added) old += piece.value.length;
  });
  return result;
}

/** By how many lines a run moves to where its ends fall best. `known` is where in the old text the first line begins, and the passage there. */
function best(lines: string[], start: number, end: number, known: { at: number; span: Span } | null): number {
  const worth = (at: number): number => {
    const place = known && known.at + lines.slice(0, at).join("").length;
    if (place !== null && known && (place === known.span.start || place === known.span.end || place === known.span.end + 1)) return 2;
    const [above, below] = [lines[at - 1], lines[at]];
    return above === undefined || below === undefined || !above.trim() || !below.trim() || HEADING.test(below) ? 1 : 0;
  };
  let [found, most] = [0, worth(start) + worth(end)];
  const look = (by: number): void => {
    const value = worth(start + by) + worth(end + by);
    if (value > most) [found, most] = [by, value];
  };
  for (let by = 1; by <= start && lines[start - by] === lines[end - by]; by++) look(-by);
  for (let by = 1; end + by <= lines.length && lines[end + by - 1] === lines[start + by - 1]; by++) look(by);
  return found;
}

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

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

/** A passage that Obsidian inserted and that is being followed. `note` is the whole note when it was last looked at, `sent` what was told of
 * the passage; `away` is when its note was deleted, `gone` when it was told as deleted itself: then `path`, `note` and `sent` are empty, and
 * `trace` is what finds it again. `copies` are other notes that had it while it stood in its own, and since when. */
export interface Followed {
  draft: string;
  path: string;
  note: string;
  span: Span;
  sent: string;
  away?: number;
  gone?: number;
  trace?: Trace;
  copies?: Record<string, number>;
}

/** What a passage is in the note as it is now, and the record that follows it from here. */
export interface Looked {
  text: string;
  next: Followed;
}

/** A passage that was put into a note later than another one: the record of it so far, and where it stands now. */
interface Newer {
  before: Followed;
  span: Span;
}

/** `newer` passages are no part of it: neither where they were put in its place or into it since it was last seen, nor later. */
export function look(followed: Followed, note: string, newer: readonly Newer[] = []): Looked {
  const beside = blanked(followed.note, [followed.span]);
  const known = ({ before }: Newer): boolean =>
    before.note === followed.note || beside.includes(before.note.slice(before.span.start, before.span.end));
  const strange = newer.filter((item) => !known(item)).map((item) => item.span);
  const span = mapSpan(followed.note, blanked(note, strange), followed.span);
  const { draft, path, sent, copies } = followed; // wherever it was meanwhile
  const next = { draft, path, note, span, sent, ...(copies ? { copies } : {}) };
  return { text: without(note, span, newer.map((item) => item.span), sent), next };
}

/** All passages of one note, oldest first, in it as it is now. */
export function lookAtAll(followed: readonly Followed[], note: string): Looked[] {
  const newer: Newer[] = [];
  const looked = [...followed].reverse().map((item) => {
    const found = look(item, note, newer);
    if (found.text) newer.push({ before: item, span: found.next.span });
    return found;
  });
  return looked.reverse();
}

/** The records brought up to the note as it is now, so that all passages of a note share one text. One that is not there keeps the text that
 * had it: it may be back when it is looked at. */
export function carry(followed: readonly Followed[], note: string): Followed[] {
  const looked = lookAtAll(followed, note);
  return followed.map((item, index) => (looked[index]?.text ? looked[index].next : item));
}

/** The same where we have just put `inserted` at `at` of the note `before`: it moves the others, and is no part of any. */
export function makeRoom(followed: readonly Followed[], before: string, at: number, inserted: string): Followed[] {
  const note = before.slice(0, at) + inserted + before.slice(at);
  const moved = (place: number, beyond: boolean): number => (beyond ? place + inserted.length : place);
  return carry(followed, before).map((item) => {
    const { start, end } = item.span;
    return item.note === before ? { ...item, note, span: { start: moved(start, start >= at), end: moved(end, end > at) } } : item;
  });
}

/** With spaces in place of the spans, so that everything else keeps its place. */
function blanked(text: string, spans: readonly Span[]): string {
  return spans.reduce((left, { start, end }) => left.slice(0, start) + left.slice(start, end).replace(/[^\n]/g, " ") + left.slice(end), text);
}

/** The text of a span without the `others` in it. What they parted is joined as it was in `sent`, else as two paragraphs. */
function without(note: string, span: Span, others: readonly Span[], sent: string): string {
  const within = others.filter(({ start, end }) => start < span.end && span.start < end).sort((one, other) => one.start - other.start);
  if (!within.length) return note.slice(span.start, span.end);
  const edges = [span.start, ...within.flatMap(({ start, end }) => [start, end]), span.end];
  const parts: string[] = [];
  for (let index = 0; index < edges.length; index += 2) {
    const part = note.slice(edges[index], Math.max(edges[index] ?? 0, edges[index + 1] ?? 0)).replace(/^\s*\n/, "").trimEnd();
    if (part) parts.push(part);
  }
  const close = (line: string, open: string): boolean => sent.includes(line) && !sent.includes(open);
  const [first = "", ...rest] = parts;
  return rest.reduce((text, part) => {
    const last = text.slice(text.lastIndexOf("\n") + 1);
    const next = part.split("\n", 1)[0] ?? "";
    const joined = close(`\n${next}`, `\n\n${next}`) || close(`${last}\n`, `${last}\n\n`);
    return `${text}${joined ? "\n" : "\n\n"}${part}`;
  }, first);
}

/** A passage that is told as deleted: none of its words is kept. */
export function forget({ draft, sent, trace, gone, copies }: Followed): Followed {
  const none = { path: "", note: "", span: { start: 0, end: 0 }, sent: "" };
  return { draft, ...none, gone: gone ?? Date.now(), trace: trace ?? traceOf(sent), ...(copies ? { copies } : {}) };
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
  const read = followed.map((item) => ({ ...item, note: typeof item.note === "string" ? item.note : (notes[item.note] ?? "") }));
  return read.map((item) => (item.gone === undefined ? item : forget(item))); // earlier versions kept their words
}
