import { expect, test } from "vitest";
import { busyWith } from "../src/pages/models/busy.ts";

const job = { kind: "train", title: "Training sft", state: "running", run_id: "run-3" } as const;
const run = { id: "run-2", status: "running" } as const;

test.each([
  [[], [], false, ""],
  [[{ ...job, state: "done" } as const], [{ ...run, status: "finished" }], false, ""],
  [[{ ...job, kind: "import" }, { ...job, kind: "pair" }], [], false, ""],
  [[job], [{ ...run, id: "run-3" }], false, "Training sft is going on (run-3): wait for it, or stop it first."],
  [[{ ...job, kind: "improve", title: "Improving", state: "waiting", run_id: "" } as const], [run], true, "Improving is going on: wait for it, or stop it first."],
  [[], [run], true, "An improve that was begun elsewhere is going on: wait for it, or stop it there."],
  [[], [{ ...run, status: "failed" }, run], false, "run-2 is being trained: wait for it, or stop it first."],
])("jobs %j and runs %j, improving: %s", (jobs, runs, improving, words) => {
  expect(busyWith(jobs, runs, improving)).toBe(words);
});
