/** Why no training can begin now: one at a time, as each takes all the memory and cores there are. */
import type { Schemas } from "../../lib/api.ts";

type Job = Pick<Schemas["JobOut"], "kind" | "title" | "state" | "run_id">;
type Run = Pick<Schemas["RunOut"], "id" | "status">;
const LANE = ["train", "improve", "evaluate"]; // of these jobs the server takes one at a time

/** In words; empty where nothing is in the way. `improving` and some of the `runs` may have been begun by a terminal. */
export function busyWith(jobs: readonly Job[], runs: readonly Run[], improving: boolean): string {
  const job = jobs.find((one) => LANE.includes(one.kind) && (one.state === "waiting" || one.state === "running"));
  if (job) return `${job.title} is going on${job.run_id ? ` (${job.run_id})` : ""}: wait for it, or stop it first.`;
  if (improving) return "An improve that was begun elsewhere is going on: wait for it, or stop it there.";
  const run = runs.find((one) => one.status === "running");
  return run ? `${run.id} is being trained: wait for it, or stop it first.` : "";
}
