/** Which words of a text belong to whom: the text cut into pieces, each with its owner or none. Offsets count code points, as the server does. */
import { characters } from "./offsets.ts";

export interface Range {
  start: number;
  end: number;
  owner: number;
}
export interface Piece {
  text: string;
  owner: number | null;
}

/** Where ranges overlap, the one that begins first keeps the words. */
export function pieces(text: string, ranges: readonly Range[]): Piece[] {
  const places = characters(text);
  const at = (offset: number) => places[offset] ?? text.length;
  const found: Piece[] = [];
  let end = 0;
  const put = (to: number, owner: number | null) => {
    if (to > end) found.push({ text: text.slice(end, to), owner });
    end = Math.max(end, to);
  };
  for (const range of [...ranges].sort((one, other) => one.start - other.start || other.end - one.end)) {
    put(at(range.start), null);
    put(at(range.end), range.owner);
  }
  put(text.length, null);
  return found;
}
