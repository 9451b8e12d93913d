/** What still counts of a batch's judgements and a draft's edits once something was taken back. */
import type { Schemas } from "../../lib/api.ts";
import type { Ranking } from "../../lib/ranking.ts";
import { EMPTY, reject } from "../../lib/ranking.ts";

type Event = Schemas["EventOut"];
interface Standing {
  rankings: Record<string, Ranking>; // by batch
  edits: Record<string, string | null>; // by draft; null where it is as it was written
}

const batchOf = ({ kind, subject, payload }: Event): string => (kind === "ranking" ? subject : String(payload["batch"] ?? subject));
const isJudgement = ({ kind, payload }: Event): boolean => kind === "ranking" || (kind === "decision" && payload["decision"] !== "accept");

/** For all that the events `undone` are about. `history` is newest first. */
export function standing(history: readonly Schemas["ActionOut"][], undone: readonly number[]): Standing {
  const taken = history.filter(({ event }) => undone.includes(event.id)).map(({ event }) => event);
  const events = history.filter((action) => !action.undone).map(({ event }) => event);
  const found: Standing = { rankings: {}, edits: {} };
  for (const event of taken) {
    if (isJudgement(event)) found.rankings[batchOf(event)] = ranked(events.filter((other) => isJudgement(other) && batchOf(other) === batchOf(event)));
    else if (event.kind === "edit") {
      const last = events.find((other) => other.kind === "edit" && other.subject === event.subject);
      found.edits[event.subject] = last ? String(last.payload["final_text"]) : null;
    }
  }
  return found;
}

/** The last ranking, or rejection of all, and the rejections since. */
function ranked(judgements: Event[]): Ranking {
  const last = judgements.findIndex(({ kind, payload }) => kind === "ranking" || payload["decision"] === "reject_all");
  const since = (last < 0 ? judgements : judgements.slice(0, last)).map((event) => event.subject);
  return [...new Set(since)].reverse().reduce((ranking, id) => (ranking.rejected.includes(id) ? ranking : reject(ranking, id)), whole(judgements[last]));
}

function whole(event: Event | undefined): Ranking {
  if (!event) return EMPTY;
  const { order, rejected, shown } = event.payload as { order?: string[][]; rejected?: string[]; shown?: { draft: string }[] };
  return event.kind === "ranking" ? { order: order ?? [], rejected: rejected ?? [], tie: false } : { order: [], rejected: (shown ?? []).map(({ draft }) => draft), tie: false };
}

const SPOKEN: Record<string, string> = {
  ranking: "your ranking", decision: "your decision on a draft", comment: "your comment", edit: "your edit", pair: "your decision on a pair",
  belief: "what you said of your taste", rule: "what you last did with a rule", unchanged: "that you did not change",
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
