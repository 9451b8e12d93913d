/** An earlier batch in words. */
import type { Schemas } from "../../lib/api.ts";

type Row = Pick<Schemas["BatchRow"], "drafts" | "ranked" | "accepted" | "rejected">;

/** "3 candidates, ranked, accepted". */
export function stateOf({ drafts, ranked, accepted, rejected }: Row): string {
  const judged = [ranked ? "ranked" : "", accepted ? "accepted" : "", rejected ? "all rejected" : ""].filter(Boolean);
  return [`${drafts} candidate${drafts === 1 ? "" : "s"}`, ...(judged.length ? judged : ["not judged"])].join(", ");
}
