/** Finding a passage again that was taken out of its note. */

import type { Span } from "./follow";

/** What is left of a passage whose text is not kept: for each of its lines a number that follows from the line, and its letters. */
export type Trace = [line: number, letters: number][];

const SHARE = 0.6; // of a cut passage's letters that must stand together elsewhere to be that passage
const BACK = 0.3; // of a note's letters that must be in lines of the one that is under its name now
const APART = 2; // lines of others between two of its own

export function traceOf(passage: string): Trace {
  return [...new Set(linesOf(passage))].map((line) => [numberOf(line), line.length]);
}

/** Where a passage that was cut out of its note stands in this one, whole or for the most part; null if it is not here. */
export function findIn(note: string, passage: string | Trace): Span | null {
  const known = typeof passage !== "string";
  const wanted = known ? "" : passage.trim();
  if (!known && !wanted) return null;
  const whole = known ? -1 : note.indexOf(wanted);
  if (whole >= 0) return { start: whole, end: whole + wanted.length };
  const own = new Map<string | number, number>(known ? passage : linesOf(wanted).map((line) => [line, line.length]));
  const all = [...own.values()].reduce((sum, letters) => sum + letters, 0);
  let best: Span | null = null;
  let most = SHARE * all;
  let run: { span: Span; letters: number; strange: number } | null = null;
  let at = 0;
  for (const line of note.split("\n")) {
    const text = line.trim();
    const end = at + line.trimEnd().length;
    if (own.has(known ? numberOf(text) : text)) {
      run ??= { span: { start: at + line.indexOf(text), end }, letters: 0, strange: 0 };
      run = { span: { ...run.span, end }, letters: run.letters + text.length, strange: 0 };
      if (run.letters >= most) [best, most] = [run.span, run.letters];
    } else if (text && run && ++run.strange > APART) run = null;
    at += line.length + 1;
  }
  return best;
}

/** Whether a note that was deleted is this one, put back under its name and perhaps edited meanwhile, and not another that took the name. */
export function isBack(before: string, note: string): boolean {
  const now = new Set(linesOf(note));
  const letters = (lines: string[]): number => lines.join("").length;
  const own = linesOf(before);
  return letters(own.filter((line) => now.has(line))) >= BACK * letters(own);
}

const linesOf = (passage: string): string[] => passage.split("\n").map((line) => line.trim()).filter(Boolean);

/** 53 bits (cyrb53, which is public domain): among the lines of a vault no two different ones share a number. */
function numberOf(line: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let place = 0; place < line.length; place++) {
    const letter = line.charCodeAt(place);
    high = Math.imul(high ^ letter, 2654435761);
    low = Math.imul(low ^ letter, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
