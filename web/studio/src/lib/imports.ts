/** What an import or a pairing changed, in the terminal's words, from the result of its job. */
import type { Schemas } from "./api.ts";

type Counted = Record<string, unknown>;
export type Told = { words: string; warnings: string[] };

const number = (count: number) => count.toLocaleString("en");
const some = (count: number, word: string) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

/** Null where the job is neither of them, or has not come to its end. */
export function toldOf(job: Pick<Schemas["JobOut"], "kind" | "state" | "result">): Told | null {
  if (!["import", "pair"].includes(job.kind) || job.state !== "done" || !job.result || typeof job.result !== "object") return null;
  const result = job.result as Counted;
  const of = (name: string) => Number(result[name] ?? 0);
  const warnings = Array.isArray(result["warnings"]) ? result["warnings"].map(String) : [];
  if (job.kind === "pair") return { words: ofPairs(of), warnings };
  return { words: "left_out" in result ? ofVault(of) : ofHighlights(of), warnings };
}

function ofVault(of: (name: string) => number): string {
  if (!["added", "updated", "removed", "left_out"].some(of)) return of("unchanged") ? `${some(of("unchanged"), "note")} as before; nothing changed.` : "There are no notes of yours in it.";
  const left = of("left_out") ? `${number(of("left_out"))} left out now, ` : "";
  return `${some(of("added"), "note")} new, ${number(of("updated"))} changed, ${number(of("removed"))} gone, ${left}${number(of("unchanged"))} as before.`;
}

function ofPairs(of: (name: string) => number): string {
  if (!["added", "kept", "removed", "decided"].some(of)) return "No passage was recognised as written from a highlight. Are these the right notes and highlights?";
  return `${some(of("added"), "pair")} new, ${number(of("kept"))} kept, ${number(of("removed"))} gone, ${number(of("decided"))} decided by you.`;
}

function ofHighlights(of: (name: string) => number): string {
  if (!["sources_added", "sources_updated", "added", "updated", "removed", "marks_changed"].some(of)) {
    return of("unchanged") ? `Nothing changed: ${some(of("unchanged"), "highlight")} already here.` : "Nothing to import: there are no highlights in it.";
  }
  const marks = of("marks_changed") ? `; ${some(of("marks_changed"), "chapter mark")} new, changed or removed` : "";
  return (
    `${some(of("sources_added"), "source")} new, ${number(of("sources_updated"))} changed; ${some(of("added"), "highlight")} new, ` +
    `${number(of("updated"))} changed, ${number(of("removed"))} removed, ${number(of("unchanged"))} as before${marks}.`
  );
}
