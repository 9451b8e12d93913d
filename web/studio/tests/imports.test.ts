import { describe, expect, it } from "vitest";
import { kindOf, toldOf } from "../src/lib/imports.ts";

const vault = { added: 0, updated: 0, removed: 0, unchanged: 0, warnings: [], left_out: 0 };
const export_ = { origin: "csv", sources_added: 0, sources_updated: 0, added: 0, updated: 0, removed: 0, unchanged: 0, warnings: [], marks_changed: 0 };
const words = (result: object) => toldOf({ kind: "import", state: "done", result })?.words;

describe("what an import changed", () => {
  it.each([
    [{ ...vault, added: 1, updated: 2, removed: 3, unchanged: 1234 }, "1 note new, 2 changed, 3 gone, 1,234 as before."],
    [{ ...vault, left_out: 2, unchanged: 9 }, "2 notes left out now, 9 as before."],
    [{ ...vault, unchanged: 1 }, "1 note as before; nothing changed."],
    [vault, "There are no notes of yours in it."],
    [{ ...export_, sources_added: 1, added: 7, marks_changed: 2 }, "1 source new; 7 highlights new; 2 chapter marks new, changed or removed."],
    [{ ...export_, unchanged: 1 }, "Nothing changed: 1 highlight already here."],
    [export_, "Nothing to import: there are no highlights in it."],
  ])("is said of %j", (result, said) => expect(words(result)).toBe(said));

  it("names what was left out, with the reason", () => {
    const warnings = ["a.md is not UTF-8 text. It was left out.", "b.md could not be opened (Permission denied)."];
    expect(toldOf({ kind: "import", state: "done", result: { ...vault, warnings } })?.warnings).toEqual(warnings);
  });

  it.each([
    [{ added: 1, kept: 1234, removed: 2, decided: 3 }, "1 pair new, 1,234 kept, 2 gone, 3 decided by you."],
    [{ added: 60, kept: 0, removed: 0, decided: 0 }, "60 pairs new."],
    [{ added: 0, kept: 0, removed: 0, decided: 0, notes_unpaired: 9 }, "No passage was recognised as written from a highlight. Are these the right notes and highlights? What they say in other words you can name on the Pairs page."],
    [{ added: 2, kept: 0, removed: 0, decided: 0, notes_silent: 1 }, "2 pairs new. 1 note points at a source, and none of its highlights was recognised: what is said in other words you can name on the Pairs page."],
  ])("is said of the pairing %j", (result, said) => expect(toldOf({ kind: "pair", state: "done", result })?.words).toBe(said));

  it.each([
    { kind: "import", state: "running" as const, result: null },
    { kind: "import", state: "failed" as const, result: null },
    { kind: "dataset", state: "done" as const, result: { added: 3 } },
  ])("is nothing for %j", (job) => expect(toldOf(job)).toBeNull());
});

it.each([["My Clippings.txt", "kindle"], ["/home/me/Mis recortes.TXT ", "kindle"], ["readwise-data.csv", "readwise"], ["/home/me/Readwise", "readwise"]])("%s is of %s", (name, kind) => {
  expect(kindOf(name)).toBe(kind);
});
