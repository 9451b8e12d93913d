import { describe, expect, it } from "vitest";
import { bytesBefore, contentHash, unitsAt } from "../../src/core/bytes";
import { chapterFor, guess, headingAt, outsideProperties, spaced } from "../../src/core/guess";
import type { Source } from "../../src/core/types";

const source = (title: string, more: Partial<Source> = {}): Source => ({ id: title, title, readwise_url: "", url: "", ...more }) as Source;
const SOURCES = [
  source("The Slow River: A Handbook", { readwise_url: "https://readwise.io/bookreview/77" }),
  source("Salt, Smoke, Ice"),
  source("Cloth and Ledger", { url: "https://read.readwise.io/read/01abc" }),
];

describe("which source a note is about", () => {
  it.each<[string, Parameters<typeof guess>[0], string | null]>([
    ["a property with Readwise's link", { title: "x", properties: { uri: "https://readwise.io/bookreview/77" }, text: "" }, "The Slow River: A Handbook"],
    ["a Reader link in the text", { title: "x", properties: {}, text: "[hl](https://read.readwise.io/new/read/01abc)" }, "Cloth and Ledger"],
    ["a Reader link of the source", { title: "x", properties: {}, text: "see https://read.readwise.io/read/01abc" }, "Cloth and Ledger"],
    ["its title", { title: "salt smoke ice", properties: {}, text: "" }, "Salt, Smoke, Ice"],
    ["a title property that is a link", { title: "n", properties: { book: "[[Cloth and Ledger|C]]" }, text: "" }, "Cloth and Ledger"],
    ["a shorter title", { title: "The Slow River", properties: {}, text: "" }, "The Slow River: A Handbook"],
    ["nothing", { title: "Shopping", properties: {}, text: "milk" }, null],
  ])("%s", (_, note, expected) => {
    expect(guess(note, SOURCES)?.title ?? null).toBe(expected);
  });
  it.each([["🧵", "Groceries and errands"], ["It", "Writing habits"], ["Nova", "Kitchen renovation"], ["Habits", "Inhabitsome"]])(
    "the letters of %s in %s tell nothing", (title, note) => {
      expect(guess({ title: note, properties: {}, text: "" }, [source(title), source("The Slow River")])).toBeNull();
    },
  );
});

describe("headings and chapters", () => {
  const text = "# One\ntext\n```\n# not one\n```\nmore\n## Two ##\n\nend";
  it.each([[0, "One"], [3, "One"], [5, "One"], [8, "Two"]])("line %i stands under %s", (line, heading) => {
    expect(headingAt(text, line)).toBe(heading);
  });
  it.each([["Two", "2. Two", "2. Two"], ["TWO", "Two", "Two"], ["", "Two", ""], ["Else", "Two", ""], ["Main ideas", "I", ""], ["Part I", "I", "I"]])("heading %s among %s", (heading, chapter, found) => {
    expect(chapterFor(heading, ["First", chapter])).toBe(found);
  });
  it.each([
    ["", 0, "text\n"],
    ["before", 6, "\n\ntext\n"],
    ["before\n", 7, "\ntext\n"],
    ["before\n\nafter", 8, "text\n\n"],
    ["before\n\n\nafter", 8, "text\n"],
  ])("is kept apart from its neighbours: %j", (note, at, expected) => {
    expect(spaced(note, at, "\ntext \n\n")).toBe(expected);
  });
});

describe("the properties", () => {
  it.each([
    ["---\na: 1\n---\ntext", 0, 13],
    ["---\na: 1\n---\ntext", 15, 15],
    ["---\n---\ntext", 2, 8],
    ["\uFEFF---\r\na: 1\r\n---\r\ntext", 3, 17],
    ["--- no properties\n---\n", 1, 1],
    ["text\n---\nmore\n---\n", 6, 6],
  ])("of %j are never written into", (note, at, expected) => {
    expect(outsideProperties(note, at)).toBe(expected);
  });
});

describe("bytes", () => {
  it("places and hashes as the server does", async () => {
    const note = "aé€😀z";
    expect([0, 1, 3, 6, 10, 11].map((bytes) => unitsAt(note, bytes))).toEqual([0, 1, 2, 3, 5, 6]);
    expect(unitsAt(note, 2)).toBeNull();
    expect(unitsAt(note, 12)).toBeNull();
    expect(bytesBefore(note, 5)).toBe(10);
    expect(await contentHash("abc")).toBe("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
