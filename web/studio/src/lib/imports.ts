/** What an import or a pairing changed, from the result of its job. */
import type { Schemas } from "./api.ts";

type Counted = Record<string, unknown>;
export type Told = { words: string; warnings: string[] };

const number = (count: number) => count.toLocaleString("en");
const some = (count: number, word: string) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

/** Whose export a file is: a Kindle names its one text file in the language that it speaks. */
export const kindOf = (name: string): "kindle" | "readwise" => (/\.txt$/i.test(name.trim()) ? "kindle" : "readwise");

/** Null where the job is neither of them, or has not come to its end. */
export function toldOf(job: Pick<Schemas["JobOut"], "kind" | "state" | "result">): Told | null {
  if (!["import", "pair"].includes(job.kind) || job.state !== "done" || !job.result || typeof job.result !== "object") return null;
  const result = job.result as Counted;
  const of = (name: string) => Number(result[name] ?? 0);
  const warnings = Array.isArray(result["warnings"]) ? result["warnings"].map(String) : [];
  if (job.kind === "pair") return { words: ofPairs(of), warnings };
  return { words: "left_out" in result ? ofVault(of) : ofHighlights(of), warnings };
}

/** "22 notes new, 3 changed": what there is none of is not told. */
function counted(word: string, counts: [number, string][]): string {
  const there = counts.filter(([count]) => count);
  return there.map(([count, what], at) => `${at ? number(count) : some(count, word)} ${what}`).join(", ");
}

function ofVault(of: (name: string) => number): string {
  if (!["added", "updated", "removed", "left_out"].some(of)) return of("unchanged") ? `${some(of("unchanged"), "note")} as before; nothing changed.` : "There are no notes of yours in it.";
  const counts: [number, string][] = [[of("added"), "new"], [of("updated"), "changed"], [of("removed"), "gone"], [of("left_out"), "left out now"], [of("unchanged"), "as before"]];
  return `${counted("note", counts)}.`;
}

function ofPairs(of: (name: string) => number): string {
  if (!["added", "kept", "removed", "decided"].some(of)) return "No passage was recognised as written from a highlight. Are these the right notes and highlights? What they say in other words you can name on the Pairs page.";
  const silent = of("notes_silent");
  const beside = silent ? ` ${some(silent, "note")} ${silent === 1 ? "points" : "point"} at a source, and none of its highlights was recognised: what is said in other words you can name on the Pairs page.` : "";
  return `${counted("pair", [[of("added"), "new"], [of("kept"), "kept"], [of("removed"), "gone"], [of("decided"), "decided by you"]])}.${beside}`;
}

function ofHighlights(of: (name: string) => number): string {
  if (!["sources_added", "sources_updated", "added", "updated", "removed", "marks_changed"].some(of)) {
    return of("unchanged") ? `Nothing changed: ${some(of("unchanged"), "highlight")} already here.` : "Nothing to import: there are no highlights in it.";
  }
  const sources = counted("source", [[of("sources_added"), "new"], [of("sources_updated"), "changed"]]);
  const highlights = counted("highlight", [[of("added"), "new"], [of("updated"), "changed"], [of("removed"), "removed"], [of("unchanged"), "as before"]]);
  const marks = counted("chapter mark", [[of("marks_changed"), "new, changed or removed"]]);
  return `${[sources, highlights, marks].filter(Boolean).join("; ")}.`;
}
