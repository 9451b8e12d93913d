/** What an undo was about, and how it is said. */
import type { Schemas } from "../../lib/api.ts";

interface Touched {
  rankings: string[]; // batches of which a judgement was taken back
  edits: Record<string, string>; // drafts of which an edit was, and their batches
}

/** What of it counts now, the server says of each batch (`judged`). */
export function touched(history: readonly Schemas["ActionOut"][], undone: readonly number[]): Touched {
  const found: Touched = { rankings: [], edits: {} };
  for (const { event: { id, kind, subject, payload } } of history) {
    if (!undone.includes(id)) continue;
    const batch = kind === "ranking" ? subject : String(payload["batch"] ?? subject);
    if (kind === "edit") found.edits[subject] = batch;
    else if ((kind === "ranking" || (kind === "decision" && payload["decision"] !== "accept")) && !found.rankings.includes(batch)) found.rankings.push(batch);
  }
  return found;
}

const SPOKEN: Record<string, string> = {
  ranking: "your ranking", decision: "your decision on a draft", comment: "your comment", edit: "your edit", pair: "your decision on a pair",
  belief: "what you said of your taste", rule: "what you last did with a rule", source: "what you last did with a source", unchanged: "that you did not change",
};

const LEFT: Record<string, string> = {
  restored: "is as before", deleted: "was new, and is gone again", removed: "is without it; what you changed elsewhere in it is kept",
  kept: "is left as it is; the draft counts as not accepted",
};

/** What an undo took back, as its event tells it, in words that can follow "Taken back:". */
export function spoken(payload: Record<string, unknown>): string {
  const kind = String(payload["kind"]);
  if (kind === "insertion") return `${String(payload["note_path"])} ${LEFT[String(payload["how"])] ?? LEFT["restored"]}`;
  return SPOKEN[kind] ?? kind;
}
