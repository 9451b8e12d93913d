import { expect, test } from "vitest";
import { stateOf } from "../src/pages/draft/earlier.ts";
import { counted, gravest } from "../src/pages/draft/findings.ts";

const finding = (severity: "block" | "warn", reason: string) => ({ gate: "names", severity, reason, start: 0, end: 0 });

test("problems come first, those without a finding too", () => {
  const findings = [finding("warn", "a"), finding("block", "b"), finding("warn", "c")];
  expect(gravest({ findings, problems: ["b"] }).map(({ reason }) => reason)).toEqual(["b", "a", "c"]);
  expect(gravest({ findings: [finding("warn", "a")], problems: ["old"] })).toEqual([{ ...finding("block", "old"), gate: "" }, finding("warn", "a")]);
  expect(gravest(null)).toEqual([]);
});

test.each([
  [[], ""],
  [["warn"], "1 to check"],
  [["block", "warn", "warn"], "1 problem, 2 to check"],
  [["block", "block"], "2 problems"],
] as const)("%j is told as %s", (kinds, words) => {
  expect(counted(kinds.map((kind) => finding(kind, "")))).toBe(words);
});

test.each([
  [{ drafts: 3, ranked: true, accepted: true, rejected: false }, "3 candidates, ranked, accepted"],
  [{ drafts: 1, ranked: false, accepted: false, rejected: true }, "1 candidate, all rejected"],
  [{ drafts: 2, ranked: false, accepted: false, rejected: false }, "2 candidates, not judged"],
])("an earlier batch %j is %s", (row, words) => {
  expect(stateOf(row)).toBe(words);
});
