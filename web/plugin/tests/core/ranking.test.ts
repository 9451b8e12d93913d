import { describe, expect, it } from "vitest";
import { Ranking } from "../../src/core/ranking";

const of = (...groups: string[][]): Ranking => new Ranking(groups);

describe("a ranking", () => {
  it("grows by clicks, best first, and a second click takes one out", () => {
    const two = new Ranking().toggle("b").toggle("a");
    expect(two.groups).toEqual([["b"], ["a"]]);
    expect(two.toggle("b").groups).toEqual([["a"]]);
    expect(two.placeOf("a")).toBe(2);
    expect(two.placeOf("c")).toBe(0);
  });
  it.each([
    [of(["a"], ["b"]), "b", [["a", "b"]]],
    [of(["a", "b"], ["c"]), "b", [["a"], ["b"], ["c"]]],
    [of(["a"]), "b", [["a", "b"]]],
    [of(), "b", [["b"]]],
    [of(["a"], ["b"]), "a", [["a"], ["b"]]],
  ])("ties and unties", (before, id, after) => {
    expect(before.tie(id).groups).toEqual(after);
  });
  it("moves one to a place and keeps the others' order", () => {
    expect(of(["a"], ["b"], ["c"]).move("c", 1).groups).toEqual([["c"], ["a"], ["b"]]);
    expect(of(["a", "b"], ["c"]).move("a", 9).groups).toEqual([["b"], ["c"], ["a"]]);
  });
  it("never loses or doubles a candidate", () => {
    let ranking = new Ranking();
    const ids = ["a", "b", "c", "d"];
    let seed = 7;
    for (let step = 0; step < 2000; step++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      const id = ids[seed % 4] ?? "a";
      const before = new Set(ranking.placed);
      const which = (seed >> 4) % 3;
      ranking = which === 0 ? ranking.toggle(id) : which === 1 ? ranking.tie(id) : ranking.move(id, (seed >> 8) % 5);
      const after = ranking.placed;
      expect(new Set(after).size).toBe(after.length);
      expect(ranking.groups.every((group) => group.length > 0)).toBe(true);
      for (const other of ids) if (other !== id) expect(after.includes(other)).toBe(before.has(other));
    }
  });
});

describe("a rejected candidate", () => {
  it("has no place, and is not rejected any more once it is given one", () => {
    const rejected = of(["a"], ["b"]).reject("a");
    expect([rejected.groups, rejected.rejected]).toEqual([[["b"]], ["a"]]);
    expect(rejected.reject("a").rejected).toEqual(["a"]);
    for (const placed of [rejected.toggle("a"), rejected.tie("a"), rejected.move("a", 1)]) expect([placed.placeOf("a") > 0, placed.rejected]).toEqual([true, []]);
    expect(rejected.toggle("c").without("b").rejected).toEqual(["a"]);
  });
  it("counts as told where all have to be", () => {
    expect(of(["a"]).isWhole(["a", "b"])).toBe(false);
    expect(of(["a"]).reject("b").isWhole(["a", "b"])).toBe(true);
    expect(of().reject("a").reject("b").isWhole(["a", "b"])).toBe(false);
  });
});
