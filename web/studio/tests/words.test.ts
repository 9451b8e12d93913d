import { describe, expect, it } from "vitest";
import type { Piece } from "../src/lib/words.ts";
import { align, diffWords, wordsOf } from "../src/lib/words.ts";

const side = (pieces: Piece[], left: "-" | "+") => pieces.filter(([kind]) => kind === "=" || kind === left).map(([, text]) => text).join("");

describe("the word diff", () => {
  it.each([
    ["", ""],
    ["one two", "one two"],
    ["one two three", "one 2 three"],
    ["", "new words"],
    ["old words", ""],
    ["a b c d e", "x b y d z"],
    ["# T\n\n- one\n- two\n", "# T\n\n- one, and more\n- three\n"],
    ["naïve Wörter 漢字", "naive Wörter 漢字!"],
  ])("gives both texts back: %j -> %j", (before, after) => {
    const pieces = diffWords(before, after);
    expect(side(pieces, "-")).toBe(before);
    expect(side(pieces, "+")).toBe(after);
  });

  it("changes as little as it can", () => {
    expect(diffWords("the old grey cat sat", "the grey cat lay")).toEqual([["=", "the "], ["-", "old "], ["=", "grey cat "], ["-", "sat"], ["+", "lay"]]);
  });

  it("gives random texts back", () => {
    let state = 7;
    const next = (most: number) => (state = (state * 48271) % 2147483647) % most;
    for (let round = 0; round < 200; round++) {
      const text = () => Array.from({ length: next(12) }, () => "ab .\n"[next(5)]).join("");
      const [before, after] = [text(), text()];
      expect(side(diffWords(before, after), "-")).toBe(before);
      expect(side(diffWords(before, after), "+")).toBe(after);
    }
  });

  it("does not keep the typist waiting on long texts", () => {
    const long = Array.from({ length: 20000 }, (_, at) => `w${at}`);
    const began = performance.now();
    const pieces = diffWords(long.join(" "), [...long].reverse().join(" "));
    expect(performance.now() - began).toBeLessThan(1000);
    expect(side(pieces, "-")).toBe(long.join(" "));
  });
});

describe("words of the page in the Markdown", () => {
  it("skips what the page hides", () => {
    const markdown = "- See [[Some Note|the note]] and [this](https://a.example/b) **now**.";
    const words = wordsOf(markdown);
    const found = align(wordsOf("See the note and this now."), words).map((place) => words[place]?.text);
    expect(found).toEqual(["See", "the", "note", "and", "this", "now"]);
  });

  it("knows that a word of the page is not in the Markdown", () => {
    expect(align(wordsOf("made up two"), wordsOf("one two"))).toEqual([-1, -1, 1]);
  });
});
