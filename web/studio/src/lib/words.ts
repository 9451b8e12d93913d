/** Words: a diff of two texts word by word, and the words of a rendered page found in the Markdown it was made from. */
export type Piece = ["=" | "-" | "+", string];

const TOKEN = /[\p{L}\p{N}_'’]+|\s+|[^\p{L}\p{N}_'’\s]/gu;
const LIMIT = 3000; // tokens; beyond it the middle is shown as replaced whole, so that typing never waits

/** Equal, taken away, added, in reading order; joined without "+" it is `before`, without "-" it is `after`. */
export function diffWords(before: string, after: string): Piece[] {
  const a = before.match(TOKEN) ?? [];
  const b = after.match(TOKEN) ?? [];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const middle = changed(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const pieces: Piece[] = [["=", a.slice(0, start).join("")], ...middle, ["=", a.slice(a.length - end).join("")]];
  return merge(pieces);
}

function changed(a: string[], b: string[]): Piece[] {
  if (!a.length || !b.length || a.length > LIMIT || b.length > LIMIT) return [["-", a.join("")], ["+", b.join("")]];
  const width = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * width); // longest common subsequence of the tails
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        a[i] === b[j] ? longest[(i + 1) * width + j + 1]! + 1 : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const pieces: Piece[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      pieces.push(["=", a[i]!]);
      i++;
      j++;
    } else if (longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!) pieces.push(["-", a[i++]!]);
    else pieces.push(["+", b[j++]!]);
  }
  return [...pieces, ["-", a.slice(i).join("")], ["+", b.slice(j).join("")]];
}

/** Neighbours of one kind become one piece; what is taken away stands before what is added. */
function merge(pieces: Piece[]): Piece[] {
  const merged: Piece[] = [];
  let minus = "";
  let plus = "";
  const flush = () => {
    if (minus) merged.push(["-", minus]);
    if (plus) merged.push(["+", plus]);
    minus = plus = "";
  };
  for (const [kind, text] of pieces) {
    if (!text) continue;
    if (kind === "-") minus += text;
    else if (kind === "+") plus += text;
    else {
      flush();
      const last = merged.at(-1);
      if (last?.[0] === "=") last[1] += text;
      else merged.push(["=", text]);
    }
  }
  flush();
  return merged;
}

export interface Word {
  text: string;
  start: number;
  end: number;
}

const WORD = /[\p{L}\p{N}]+/gu;

export const wordsOf = (text: string): Word[] =>
  [...text.matchAll(WORD)].map((found) => ({ text: found[0], start: found.index, end: found.index + found[0].length }));

/**
 * For each word of the page, its word in the Markdown (-1: none). The page shows a part of the Markdown's words in the same order (no
 * addresses, no hidden comments), so each is looked for a short way ahead.
 */
export function align(page: readonly Word[], markdown: readonly Word[], ahead = 60): number[] {
  let at = 0;
  return page.map((word) => {
    for (let next = at; next < Math.min(markdown.length, at + ahead); next++) {
      if (markdown[next]!.text === word.text) {
        at = next + 1;
        return next;
      }
    }
    return -1;
  });
}
