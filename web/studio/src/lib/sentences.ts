/** Which sentence of a rendered page lies under the pointer, and lighting it up without touching the page (CSS custom highlights). */
import { characters } from "./offsets.ts";
import type { Word } from "./words.ts";
import { align, wordsOf } from "./words.ts";

export interface Unit {
  start: number; // in the Markdown, characters as the server counts them
  end: number;
}

interface Spot extends Word {
  node: Text;
}

/** The words of a rendered page, each known by its place in the Markdown. */
export class Page {
  private spots: Spot[];
  private units: number[]; // for each spot, the unit it belongs to, or -1

  constructor(root: HTMLElement, markdown: string, units: readonly Unit[]) {
    this.spots = spotsOf(root);
    const words = wordsOf(markdown);
    const places = align(this.spots, words);
    const offsets = characters(markdown);
    const bounds = units.map(({ start, end }) => ({ start: offsets[start] ?? 0, end: offsets[end] ?? markdown.length }));
    this.units = places.map((place) => {
      const word = words[place];
      return word ? bounds.findIndex((unit) => word.start >= unit.start && word.end <= unit.end) : -1;
    });
  }

  /** The unit at a point of the window, or -1. */
  at(x: number, y: number): number {
    const caret = caretAt(x, y);
    if (!caret) return -1;
    const place = this.spots.findIndex((spot) => spot.node === caret.node && spot.end >= caret.offset);
    return place < 0 ? -1 : this.units[place]!;
  }

  ranges(unit: number): Range[] {
    const mine = this.spots.filter((_, place) => this.units[place] === unit);
    const ranges: Range[] = [];
    for (const spot of mine) {
      const last = ranges.at(-1);
      if (last?.startContainer === spot.node) last.setEnd(spot.node, spot.end);
      else ranges.push(rangeOf(spot.node, spot.start, spot.end));
    }
    return ranges;
  }
}

function spotsOf(root: HTMLElement): Spot[] {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const spots: Spot[] = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const word of wordsOf(node.nodeValue ?? "")) spots.push({ ...word, node: node as Text });
  }
  return spots;
}

function caretAt(x: number, y: number): { node: Node; offset: number } | null {
  if ("caretPositionFromPoint" in document) {
    const position = document.caretPositionFromPoint(x, y);
    return position && { node: position.offsetNode, offset: position.offset };
  }
  const range = (document as Document).caretRangeFromPoint?.(x, y);
  return range ? { node: range.startContainer, offset: range.startOffset } : null;
}

export function rangeOf(node: Node, start: number, end: number): Range {
  const range = new Range();
  const length = node.nodeValue?.length ?? 0;
  range.setStart(node, Math.min(start, length));
  range.setEnd(node, Math.min(end, length));
  return range;
}

/** Light up ranges under a name that the style sheet knows (`::highlight(name)`); none puts the light out. */
export function light(name: string, ranges: Range[]): void {
  if (!("highlights" in CSS)) return;
  if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
  else CSS.highlights.delete(name);
}
