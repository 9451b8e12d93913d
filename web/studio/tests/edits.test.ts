import { expect, it } from "vitest";
import { browse } from "./browser.ts";

it.each([
  ["none, and the server has one", null, "theirs", "theirs"],
  ["one that the server had, and has", { text: "mine", saved: true }, "mine", "mine"],
  ["one that the server had, undone elsewhere since", { text: "mine", saved: true }, null, null],
  ["one that the server had, made otherwise elsewhere since", { text: "mine", saved: true }, "theirs", "theirs"],
  ["one on its way", { text: "mine", saved: false }, "theirs", "mine"],
  ["one of an older page", "mine", null, "mine"],
])("an edit that this browser has kept: %s", async (_, kept, told, wanted) => {
  browse(kept ? { "edit:d1": kept } : {});
  const { standingEdit } = await import("../src/pages/draft/edits.ts");
  expect(standingEdit("d1", told)).toBe(wanted);
});

it("the server has an edit once it has taken just that", async () => {
  const { read } = browse();
  const { keepEdit, taken } = await import("../src/pages/draft/edits.ts");
  keepEdit("d1", "two", false);
  taken("d1", "one");
  expect(read("edit:d1")).toEqual({ text: "two", saved: false });
  taken("d1", "two");
  expect(read("edit:d1")).toEqual({ text: "two", saved: true });
  keepEdit("d1", null, true);
  taken("d1", "two");
  expect(read("edit:d1")).toBe(null);
});
