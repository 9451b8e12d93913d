import { expect, it } from "vitest";
import { stoodIn } from "../src/pages/draft/stood.ts";
import { spoken, touched } from "../src/pages/draft/undone.ts";

const events: Record<string, [string, string, object]> = {
  ranked: ["ranking", "b1", { batch: "b1" }],
  older: ["ranking", "b1", {}],
  all: ["decision", "b1", { decision: "reject_all", batch: "b1" }],
  rejected: ["decision", "d1", { decision: "reject", batch: "b1" }],
  other: ["decision", "e1", { decision: "reject", batch: "b2" }],
  taken: ["decision", "d1", { decision: "accept", batch: "b1" }],
  edited: ["edit", "d1", { batch: "b1" }],
  said: ["comment", "d1", { batch: "b1" }],
};

it.each([
  [["ranked"], ["b1"], {}],
  [["older"], ["b1"], {}],
  [["all"], ["b1"], {}],
  [["rejected", "rejected", "other"], ["b1", "b2"], {}],
  [["taken", "said"], [], {}],
  [["edited", "ranked"], ["b1"], { d1: "b1" }],
])("an undo of %j is about %j and %j", (names, rankings, edits) => {
  const history = ["ranked", ...names].map((name, id) => {
    const [kind, subject, payload] = events[name]!;
    return { event: { id, kind, subject, payload, at: "" }, undone: id > 0 };
  });
  expect(touched(history as never, names.map((_, at) => at + 1))).toEqual({ rankings, edits });
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
