import { describe, expect, it } from "vitest";
import type { Ranking } from "../src/lib/ranking.ts";
import { EMPTY, drop, isWhole, placeOf, press, reject, tie, told, unplace } from "../src/lib/ranking.ts";

const keys = (text: string): Ranking =>
  [...text].reduce((ranking, key) => (key === "=" ? tie(ranking) : key === "<" ? unplace(ranking) : key === key.toUpperCase() && /[A-Z]/.test(key) ? reject(ranking, key.toLowerCase()) : press(ranking, key)), EMPTY);

describe("keys", () => {
  it.each([
    ["ba", [["b"], ["a"]], []],
    ["b=ac", [["b", "a"], ["c"]], []],
    ["=ba", [["b"], ["a"]], []], // nothing to tie with yet
    ["b==a", [["b"], ["a"]], []], // pressed twice: taken back
    ["bab", [["a"]], []], // a placed one leaves its place
    ["b=ab", [["a"]], []],
    ["bac<", [["b"], ["a"]], []],
    ["b=a<", [["b"]], []],
    ["<", [], []],
    ["abC", [["a"], ["b"]], ["c"]],
    ["abB", [["a"]], ["b"]],
    ["aBB", [["a"]], []],
    ["Bab", [["a"], ["b"]], []],
  ])("%s", (pressed, order, rejected) => {
    const ranking = keys(pressed);
    expect([ranking.order, ranking.rejected]).toEqual([order, rejected]);
  });

  it("knows places, wholeness and words", () => {
    expect(placeOf(keys("b=ac"), "c")).toBe(2);
    expect(placeOf(keys("b"), "c")).toBe(0);
    expect(isWhole(keys("b=aC"), ["a", "b", "c"])).toBe(true);
    expect(isWhole(keys("ba"), ["a", "b", "c"])).toBe(false);
    expect(told(keys("b=acD"), (id) => id)).toBe("b = a > c · not d");
    expect(told(keys("b="), (id) => id)).toBe("b =");
  });
});

describe("dragging", () => {
  it.each([
    ["", "c", "a", "cab", [["c"], ["a"], ["b"]]],
    ["abc", "a", null, "bca", [["b"], ["c"], ["a"]]],
    ["a=bc", "c", "a", "cab", [["c"], ["a", "b"]]], // ties among the others stay
    ["a=bc", "a", "c", "bac", [["b"], ["a"], ["c"]]], // the moved one leaves its tie
    ["abc", "b", "b", "abc", [["a"], ["b"], ["c"]]],
  ])("%s: %s before %s", (pressed, id, before, shown, order) => {
    const dropped = drop(keys(pressed), ["a", "b", "c"], id, before);
    expect([dropped.shown.join(""), dropped.ranking.order]).toEqual([shown, order]);
  });

  it("leaves rejected ones out and takes a rejected one back in", () => {
    expect(drop(keys("B"), ["a", "b", "c"], "c", "a").ranking).toEqual({ order: [["c"], ["a"]], rejected: ["b"], tie: false });
    expect(drop(keys("B"), ["a", "b", "c"], "b", "a").ranking.order).toEqual([["b"], ["a"], ["c"]]);
  });
});
