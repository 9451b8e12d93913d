import { describe, expect, it } from "vitest";
import { findIn, isBack, traceOf, type Trace } from "../../src/core/find";
import { carry, look, lookAtAll, makeRoom, mapSpan, pack, unpack, type Followed } from "../../src/core/follow";

const PASSAGE = "## Rivers\n- The first fact about rivers.\n- The second fact about rivers.";
const NOTE = `# Book\n\nIntro words here.\n\n${PASSAGE}\n\n## After\n\nOther text.\n`;
const SPAN = { start: NOTE.indexOf(PASSAGE), end: NOTE.indexOf(PASSAGE) + PASSAGE.length };

function after(change: (note: string) => string): string {
  const note = change(NOTE);
  const span = mapSpan(NOTE, note, SPAN);
  return note.slice(span.start, span.end);
}

describe("a followed passage", () => {
  it.each<[string, (note: string) => string, string]>([
    ["text added above", (note) => note.replace("Intro", "A long new line.\n\nAnother.\n\nIntro"), PASSAGE],
    ["text removed above", (note) => note.replace("Intro words here.\n\n", ""), PASSAGE],
    ["text added below", (note) => `${note}\nMore.\n`, PASSAGE],
    ["a word changed", (note) => note.replace("first fact", "very first fact"), PASSAGE.replace("first fact", "very first fact")],
    ["a bullet added inside", (note) => note.replace("- The second", "- A new one.\n- The second"), PASSAGE.replace("- The second", "- A new one.\n- The second")],
    ["the last words changed", (note) => note.replace("second fact about rivers.", "second fact about lakes!"), PASSAGE.replace("second fact about rivers.", "second fact about lakes!")],
    ["the heading changed", (note) => note.replace("## Rivers", "## Streams"), PASSAGE.replace("## Rivers", "## Streams")],
    ["a bullet deleted", (note) => note.replace("- The first fact about rivers.\n", ""), PASSAGE.replace("- The first fact about rivers.\n", "")],
    ["both above and inside", (note) => note.replace("# Book", "# My Book\n\nmore").replace("second", "2nd"), PASSAGE.replace("second", "2nd")],
    ["words added to its last line", (note) => note.replace("second fact about rivers.", "second fact about rivers. Indeed."), PASSAGE.replace("second fact about rivers.", "second fact about rivers. Indeed.")],
    ["words put before its first", (note) => note.replace("- The first", "- [ ] The first"), PASSAGE.replace("- The first", "- [ ] The first")],
    ["a line fastened to its end", (note) => note.replace("second fact about rivers.", "second fact about rivers.\n- A third."), PASSAGE.replace("second fact about rivers.", "second fact about rivers.\n- A third.")],
    ["a paragraph put below it", (note) => note.replace("second fact about rivers.", "second fact about rivers.\n\nA remark."), PASSAGE],
    ["a heading fastened to its end", (note) => note.replace("second fact about rivers.", "second fact about rivers.\n## New"), PASSAGE],
    ["all deleted", (note) => note.replace(`${PASSAGE}\n\n`, ""), ""],
  ])("%s", (_, change, expected) => {
    expect(after(change)).toBe(expected);
  });

  it.each<[string, string, string, string]>([
    ["properties", "A paragraph about foxes.", "---\ntags:\n  - books\n---\n", ""],
    ["properties above a list", "- A fact about foxes.\n- Another.", "---\ntags:\n  - books\n---\n", ""],
    ["a line of one's own", "A paragraph about foxes.", "My own line.\n", ""],
    ["a line of one's own above a list", "- A fact about foxes.\n- Another.", "My own line:\n", ""],
    ["a new first item", "- A fact about foxes.\n- Another.", "- The first one.\n", "- The first one.\n"],
    ["a new first line of a quote", "> A fact about foxes.", "> Said before.\n", "> Said before.\n"],
  ])("put above it: %s", (_, passage, above, joined) => {
    const note = `${above}${passage}\n`;
    const span = mapSpan(`${passage}\n`, note, { start: 0, end: passage.length });
    expect(note.slice(span.start, span.end)).toBe(`${joined}${passage}`);
  });

  it("is untouched by whatever happens elsewhere", () => {
    let seed = 11;
    const random = (limit: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % limit;
    for (let round = 0; round < 300; round++) {
      const head = NOTE.slice(0, SPAN.start);
      const tail = NOTE.slice(SPAN.end);
      const lines = head.split("\n");
      lines.splice(random(lines.length - 1), random(2), `new line ${random(1000)}`);
      const note = `${lines.join("\n")}${PASSAGE}${random(2) ? tail : `\n\nfurther ${random(99)}${tail}`}`;
      const span = mapSpan(NOTE, note, SPAN);
      expect(note.slice(span.start, span.end)).toBe(PASSAGE);
    }
  });

  it("can be looked at again and again", () => {
    let followed = { draft: "d", path: "p", note: NOTE, span: SPAN, sent: PASSAGE };
    const first = look(followed, NOTE.replace("first", "1st"));
    expect(first.text).toBe(PASSAGE.replace("first", "1st"));
    followed = first.next;
    const second = look(followed, followed.note.replace("Intro", "Prologue and intro").replace("second", "2nd"));
    expect(second.text).toBe(PASSAGE.replace("first", "1st").replace("second", "2nd"));
  });
});

describe("a passage that was cut", () => {
  const found = (note: string, passage: string | Trace = PASSAGE): string | null => {
    const span = findIn(note, passage);
    return span && note.slice(span.start, span.end);
  };
  it.each<[string, string, string | null]>([
    ["is found whole", `# Other\n\n${PASSAGE}\n`, PASSAGE],
    ["is found indented", "- Here:\n  ## Rivers\n  - The first fact about rivers.\n  - The second fact about rivers.\n", "## Rivers\n  - The first fact about rivers.\n  - The second fact about rivers."],
    ["is found without a line", "x\n- The first fact about rivers.\n- The second fact about rivers.\ny", "- The first fact about rivers.\n- The second fact about rivers."],
    ["is found with a line between", "- The first fact about rivers.\n- Mine.\n- The second fact about rivers.", "- The first fact about rivers.\n- Mine.\n- The second fact about rivers."],
    ["is not found by its heading alone", "# A\n\n## Rivers\n\nOf other things.\n", null],
    ["is not found where its lines are strewn about", "- The first fact about rivers.\na\nb\nc\n- The second fact about rivers.", null],
    ["is not found in nothing", "", null],
  ])("%s", (_, note, expected) => {
    expect([found(note), found(note, traceOf(PASSAGE))]).toEqual([expected, expected]);
  });
  it("leaves a trace that has none of its words", () => {
    expect(JSON.stringify(traceOf(PASSAGE))).toMatch(/^[\d,[\]]+$/);
    expect(traceOf("one\n two\none").map(([, letters]) => letters)).toEqual([3, 3]);
    expect(new Set(Array.from({ length: 20_000 }, (_, number) => traceOf(`- line ${number}`)[0]?.[0])).size).toBe(20_000);
  });
  it("is nothing when it was nothing", () => {
    expect(findIn("a\n", " \n")).toBeNull();
    expect(findIn("a\n", traceOf(" \n"))).toBeNull();
  });
  it.each([
    ["the same note", NOTE, true],
    ["with the passage written anew", NOTE.replace(PASSAGE, "Of other things, at length."), true],
    ["another with one line like its own", "# Book\n\nA diary of the day on which nothing was written.\n", false],
    ["an empty one", "", false],
  ])("from a note that was deleted and is back: %s", (_, now, expected) => expect(isBack(NOTE, now)).toBe(expected));
});

describe("passages of one note", () => {
  const of = (draft: string, note: string): Followed => ({ draft, path: "p", note, span: SPAN, sent: PASSAGE });
  it("share its text on disk, and what was kept before they did is read as well", () => {
    const followed = [of("a", NOTE), of("b", `${NOTE}more\n`), of("c", NOTE)];
    const kept = pack(followed);
    expect(kept.notes).toEqual([NOTE, `${NOTE}more\n`]);
    expect(kept.followed.map((item) => item.note)).toEqual([0, 1, 0]);
    expect(unpack(JSON.parse(JSON.stringify(kept)) as typeof kept)).toEqual(followed);
    expect(unpack({ followed })).toEqual(followed);
    expect(unpack({})).toEqual([]);
    const deleted = { ...of("d", ""), path: "", gone: 5 };
    expect(unpack({ followed: [deleted] })).toEqual([{ ...deleted, span: { start: 0, end: 0 }, sent: "", trace: traceOf(PASSAGE) }]);
  });
  it("are brought up to it together, save one that is not there", () => {
    const now = NOTE.replace("Intro", "A new intro").replace("first", "1st");
    const [carried] = carry([of("a", NOTE)], now);
    expect([carried?.note, carried?.sent, now.slice(carried?.span.start, carried?.span.end)]).toEqual([now, PASSAGE, PASSAGE.replace("first", "1st")]);
    expect(carry([of("a", NOTE)], "# Book\n")).toEqual([of("a", NOTE)]);
  });
  it.each<[string, string, string]>([
    ["where one was deleted", NOTE.replace(PASSAGE, "@"), ""],
    ["below one that lost its end", NOTE.replace("\n- The second fact about rivers.", "\n\n@"), "## Rivers\n- The first fact about rivers."],
    ["into one", NOTE.replace("- The second", "@- The second"), PASSAGE],
    ["into one that was edited", NOTE.replace("first", "1st").replace("- The second", "@- The second"), PASSAGE.replace("first", "1st")],
    ["below one", NOTE.replace("\n\n## After", "\n\n@\n\n## After"), PASSAGE],
    ["above one", NOTE.replace("## Rivers", "@## Rivers"), PASSAGE],
  ])("are no part of each other where one is put %s", (_, place, expected) => {
    for (const text of ["> Eels.\n\nMore of eels.", PASSAGE.replaceAll("fact", "thing").replaceAll("rivers", "seas"), PASSAGE.replace("first", "very first")]) {
      const at = place.indexOf("@");
      const inserted = `\n${text}\n\n`;
      const now = place.replace("@", inserted);
      const newer = { draft: "b", path: "p", note: now, span: { start: at + 1, end: at + 1 + text.length }, sent: text };
      const both = [...makeRoom([of("a", NOTE)], place.replace("@", ""), at, inserted), newer];
      const texts = (followed: Followed[], note: string): string[] => lookAtAll(followed, note).map((item) => item.text);
      expect(texts(both, now)).toEqual([expected, text]);
      const later = `Mine.\n\n${now}More.\n`;
      expect(texts(both, later)).toEqual([expected, text]);
      const mine = text.replace(/\w+\.$/, "oceans.");
      expect(texts(carry(both, later), later.replace(text, mine))).toEqual([expected, mine]);
    }
  });
});

describe("of two that open alike", () => {
  const UPPER = "## Highlights\n- Willow cuttings hold a bank.\n- Eels go upstream in the dark.";
  const LOWER = "## Highlights\n- Salt was taxed until 1945.\n- Rye keeps longer than wheat.";
  const BOTH = `# Title\n\n${UPPER}\n\n${LOWER}\n`;
  it.each<[string, string, string, string]>([
    [BOTH, `# Title\n\n${LOWER}\n`, LOWER, LOWER],
    [BOTH, `# Title\n\n${LOWER}\n`, UPPER, ""],
    [BOTH, `# Title\n\n${LOWER.replace("longer", "better")}\n`, LOWER, LOWER.replace("longer", "better")],
    [BOTH, `# Title\n\n${UPPER}\n`, UPPER, UPPER],
    [BOTH, `# Title\n\n${UPPER}\n`, LOWER, ""],
    [`# Title\n\n${LOWER}\n`, BOTH, LOWER, LOWER],
    [`# Title\n\n${UPPER}\n`, BOTH, UPPER, UPPER],
    [`${UPPER}\n\n${LOWER}`, LOWER, LOWER, LOWER],
  ])("the one that is gone is gone whole: %j to %j", (before, now, passage, expected) => {
    const start = before.indexOf(passage);
    const span = mapSpan(before, now, { start, end: start + passage.length });
    expect(now.slice(span.start, span.end)).toBe(expected);
  });
});
