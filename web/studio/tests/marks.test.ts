import { describe, expect, it } from "vitest";
import { pieces } from "../src/lib/marks.ts";

describe("a text cut by its owners", () => {
  it.each([
    ["plain", [], [["plain", null]]],
    ["one two three", [{ start: 4, end: 7, owner: 1 }], [["one ", null], ["two", 1], [" three", null]]],
    ["abcdef", [{ start: 3, end: 6, owner: 0 }, { start: 0, end: 4, owner: 2 }], [["abcd", 2], ["ef", 0]]],
    ["\u{1F333}\u{1F333} tree", [{ start: 3, end: 7, owner: 0 }], [["\u{1F333}\u{1F333} ", null], ["tree", 0]]],
    ["short", [{ start: 2, end: 99, owner: 5 }], [["sh", null], ["ort", 5]]],
  ])("%s", (text, ranges, wanted) => {
    const found = pieces(text, ranges);
    expect(found.map((piece) => [piece.text, piece.owner])).toEqual(wanted);
    expect(found.map((piece) => piece.text).join("")).toBe(text);
  });
});
