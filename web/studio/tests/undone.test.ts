import { describe, expect, it } from "vitest";
import { stoodIn } from "../src/pages/draft/stood.ts";
import { spoken, standing } from "../src/pages/draft/undone.ts";

const shown = ["d1", "d2", "d3"].map((draft) => ({ draft }));
const events: Record<string, [string, string, object]> = {
  ranked: ["ranking", "b1", { order: [["d1"], ["d2"]], rejected: ["d3"] }],
  other: ["ranking", "b2", { order: [["e1"]] }],
  all: ["decision", "b1", { decision: "reject_all", batch: "b1", shown }],
  d1: ["decision", "d1", { decision: "reject", batch: "b1", shown }],
  d2: ["decision", "d2", { decision: "reject", batch: "b1", shown }],
  taken: ["decision", "d1", { decision: "accept", batch: "b1", shown }],
  first: ["edit", "d1", { final_text: "one" }],
  second: ["edit", "d1", { final_text: "two" }],
};
/** Oldest first; the last one was taken back. */
function after(...names: string[]) {
  const history = names.map((name, id) => {
    const [kind, subject, payload] = events[name]!;
    return { event: { id, kind, subject, payload, at: "" }, undone: id === names.length - 1 };
  });
  return standing(history.reverse() as never, [names.length - 1]);
}
const rank = (order: string[][], rejected: string[]) => ({ rankings: { b1: { order, rejected, tie: false } }, edits: {} });

describe("what still counts after an undo", () => {
  it.each([
    [["ranked"], rank([], [])],
    [["other", "ranked"], rank([], [])],
    [["all", "ranked"], rank([], ["d1", "d2", "d3"])],
    [["ranked", "all"], rank([["d1"], ["d2"]], ["d3"])],
    [["ranked", "d1", "d2"], rank([["d2"]], ["d3", "d1"])],
    [["d1", "d2"], rank([], ["d1"])],
    [["d1", "d1"], rank([], ["d1"])],
    [["ranked", "taken"], { rankings: {}, edits: {} }],
    [["first"], { rankings: {}, edits: { d1: null } }],
    [["first", "ranked", "second"], { rankings: {}, edits: { d1: "one" } }],
  ])("%j", (names, wanted) => expect(after(...names)).toEqual(wanted));
});

it.each([
  [["model-2", "model-2"], ["model-2"], ""],
  [["model-2", "model-1"], ["model-2"], "As what model-2 wrote has problems, the plain base (model-1) was asked too."],
  [["model-3", "model-1", "model-2"], ["model-3", "model-2"], "As what model-2 and model-3 wrote has problems, the plain base (model-1) was asked too."],
  [["model-3", "model-2"], ["model-3", "model-2"], ""], // a duel
  [["model-3", "model-2"], null, ""], // written by an older program
])("drafts by %j, where it was the turn of %j", (writers, versions, words) => {
  const drafts = writers.map((model_id) => ({ model_id, sampling: versions ? { turn: { versions } } : {} }));
  expect(stoodIn(drafts)).toBe(words);
});

it.each([
  [{ kind: "decision" }, "your decision on a draft"],
  [{ kind: "pair" }, "your decision on a pair"],
  [{ kind: "unheard of" }, "unheard of"],
  [{ kind: "insertion", note_path: "A.md", how: "restored" }, "A.md is as before"],
  [{ kind: "insertion", note_path: "A.md", how: "deleted" }, "A.md was new, and is gone again"],
  [{ kind: "insertion", note_path: "A.md", how: "removed" }, "A.md is without it; what you changed elsewhere in it is kept"],
])("%j is said in words", (payload, words) => expect(spoken(payload)).toBe(words));
