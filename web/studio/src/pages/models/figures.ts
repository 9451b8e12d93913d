/** What the held-out passages say about each version: the edit distance to the person's own passage, 0 word for word the same, 1 nothing in common. */
import type { Schemas } from "../../lib/api.ts";

export interface Figure {
  id: string;
  mean: number;
  interval: [number, number] | null; // 90 %
  copied: number | null; // what merely listing the highlights would get
  items: number | null;
  examples: boolean; // the prompt showed earlier pairs
  other: number | null; // the mean where it did not, or did
  split: string;
}

type Measured = Pick<Schemas["ModelOut"], "id" | "metrics" | "distances">;
const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** One figure for each version that was measured, in the order given. */
export function heldOut(models: readonly Measured[]): Figure[] {
  return models.flatMap(({ id, metrics, distances }) => {
    const evaluation = (metrics["evaluation"] ?? {}) as Record<string, unknown>;
    const mean = number(evaluation["mean"]) ?? number(metrics["edit_distance"]);
    if (mean === null) return [];
    const { with_examples: prompted, without_examples: plain } = distances;
    const examples = number(evaluation["mean"]) === null ? prompted === mean : evaluation["examples"] === true;
    const [low, high] = Array.isArray(evaluation["interval"]) ? evaluation["interval"].map(number) : [];
    return {
      id, mean, interval: low != null && high != null ? [low, high] as [number, number] : null, copied: number(evaluation["copied"]),
      items: number(evaluation["items"]), examples, other: examples ? plain : prompted, split: typeof evaluation["split"] === "string" ? evaluation["split"] : "",
    };
  });
}

export function inWords(figure: Figure | undefined): string {
  if (!figure) return "";
  const { mean, interval, items, split, examples, other } = figure;
  const range = interval ? ` (${interval[0].toFixed(3)} to ${interval[1].toFixed(3)})` : "";
  const passages = items === null ? "" : `, ${items} ${items === 1 ? "passage" : "passages"}${split && split !== "test" ? ` of ${split}` : ""}`;
  return `${mean.toFixed(3)}${range}${passages}${examples ? ", with examples" : ""}${other === null ? "" : `; ${other.toFixed(3)} ${examples ? "without" : "with"} examples`}`;
}

export const signed = (change: number): string => `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(3)}`;

/** How a training came to its end, from its last event: it may have ended early, and need not have kept its last state. */
export function ending(last: Record<string, unknown> | undefined, planned: number | null): string {
  if (last?.["event"] !== "finished") return "";
  const { steps, kept_step: kept } = (last["metrics"] ?? {}) as Record<string, unknown>;
  const [done, from] = [number(steps), number(kept)];
  if (done === null) return "";
  const early = planned !== null && done < planned ? `over after step ${done} of ${planned}` : `over after ${done} steps`;
  if (from === null || from === done) return early;
  return `${early}; the state ${from ? `of step ${from}` : "before it"} is kept`;
}

/** "40 s", "5 min", "2 h 10 min": how long something still takes, no finer than that is known. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const moment = (at: string): string => new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
