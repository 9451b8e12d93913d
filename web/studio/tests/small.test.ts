import { afterEach, describe, expect, it, vi } from "vitest";
import { address } from "../src/lib/api.ts";
import { fuzzy } from "../src/lib/fuzzy.ts";
import { keep, recall } from "../src/lib/kept.ts";
import { handle, nameOf } from "../src/lib/keys.ts";
import { characters } from "../src/lib/offsets.ts";
import { settled, shuffled } from "../src/lib/shuffle.ts";
import { Parser } from "../src/lib/sse.ts";
import { store } from "./browser.ts";

describe("shortcuts", () => {
  const key = (more: object) => nameOf({ key: "a", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
  it.each([
    [{}, "a"],
    [{ ctrlKey: true }, "Ctrl+a"],
    [{ metaKey: true }, "Ctrl+a"],
    [{ key: "S", shiftKey: true }, "S"],
    [{ key: "=", shiftKey: true }, "="], // where = needs shift
    [{ key: "Enter", shiftKey: true }, "Shift+Enter"],
    [{ key: "ArrowLeft", altKey: true }, "Alt+ArrowLeft"],
  ])("%j is %s", (more, name) => expect(key(more)).toBe(name));
});

describe("a key that is held down", () => {
  afterEach(() => void vi.unstubAllGlobals());
  it.each([["u", 1], ["g", 1], ["j", 4], ["ArrowDown", 4]])("%s acts %d times", (key, times) => {
    vi.stubGlobal("Element", class {});
    vi.stubGlobal("document", { querySelector: () => null });
    let acted = 0;
    const preventDefault = vi.fn();
    const press = (repeat: boolean) => handle({ key, repeat, preventDefault } as never, { [key]: () => void acted++ });
    expect([false, true, true, true].map(press)).toEqual([true, true, true, true]);
    expect([acted, preventDefault.mock.calls.length]).toEqual([times, 4]);
  });
});

describe("keys of one letter that are off", () => {
  afterEach(() => void vi.unstubAllGlobals());
  it.each([["x", false], ["1", false], ["=", false], ["Enter", true], ["ArrowDown", true], ["Backspace", true]])("%s: %s", (key, acts) => {
    vi.stubGlobal("Element", class {});
    vi.stubGlobal("document", { querySelector: () => null });
    vi.stubGlobal("localStorage", store());
    keep("letters", false);
    expect(handle({ key, preventDefault: vi.fn() } as never, { [key]: vi.fn() })).toBe(acts);
  });
});

it("storage that is forbidden keeps nothing, and nothing fails", () => {
  const forbidden = { configurable: true, get: () => { throw new DOMException("no", "SecurityError"); } };
  const before = Object.getOwnPropertyDescriptor(globalThis, "localStorage");
  Object.defineProperty(globalThis, "localStorage", forbidden);
  try {
    keep("theme", "dark");
    expect(recall("theme", "auto")).toBe("auto");
  } finally {
    Object.defineProperty(globalThis, "localStorage", before ?? { configurable: true, value: undefined });
  }
});

describe("server-sent events", () => {
  const stream = 'event: text\ndata: {"a":1}\n\n: still here\n\nevent: done\ndata: "ü"\n\n';
  it.each([1, 2, 7, 1000])("come whole out of pieces of %d characters", (size) => {
    const parser = new Parser();
    const found = [];
    for (let at = 0; at < stream.length; at += size) found.push(...parser.push(stream.slice(at, at + size)));
    expect(found).toEqual([{ event: "text", data: { a: 1 } }, { event: "done", data: "ü" }]);
  });
});

describe("fuzzy search", () => {
  const names = ["Notes/Books/The Salt Road.md", "Notes/Moss.md", "Daily/2024-01-01.md"];
  it.each([
    ["moss", "Notes/Moss.md"],
    ["sltrd", "Notes/Books/The Salt Road.md"],
    ["salt road", "Notes/Books/The Salt Road.md"],
    ["daily", "Daily/2024-01-01.md"],
  ])("%s", (words, first) => expect(fuzzy(names, words, (name) => name)[0]).toBe(first));
  it("finds nothing where letters are missing, everything for no words", () => {
    expect(fuzzy(names, "xyz", (name) => name)).toEqual([]);
    expect(fuzzy(names, " ", (name) => name)).toEqual(names);
  });
});

describe("addresses", () => {
  it.each([
    ["/api/sources/{source_id}", { source_id: "readwise:b-1/2 ?" }, {}, "/api/sources/readwise%3Ab-1/2%20%3F"],
    ["/api/note", {}, { path: "A & B.md", q: undefined }, "/api/note?path=A+%26+B.md"],
    ["/api/batches", {}, { source_id: "readwise:1", chapter: "" }, "/api/batches?source_id=readwise%3A1&chapter="], // without a chapter, not of any
  ])("%s", (template, path, query, url) => expect(address(template, path, query)).toBe(url));
});

it("shuffles the same way for the same seed, and moves things", () => {
  const items = [1, 2, 3, 4, 5, 6];
  expect(shuffled(items, "batch-1")).toEqual(shuffled(items, "batch-1"));
  expect([...shuffled(items, "batch-1")].sort()).toEqual(items);
  const firsts = new Set(Array.from({ length: 60 }, (_, seed) => shuffled([0, 1, 2], `batch-${seed}`)[0]));
  expect(firsts).toEqual(new Set([0, 1, 2]));
});

it("turns characters into UTF-16 offsets", () => {
  expect(characters("a🌿b")).toEqual([0, 1, 3, 4]);
});

it.each([
  [[2, 0, 1], [0, 1, 2], [2, 0, 1]],
  [[2, 0, 1], [1, 5], [5, 1]],
  [[0, 1], [], []],
  [[0], [4], [4]],
  [[1, 0], [0, 1, 3], [1, 0, 3]],
])("candidates that grew at %j, of which %j are shown, stand as %j", (places, shown, order) => {
  expect(settled(places, shown, (number) => number, "batch-1")).toEqual(order);
});
