/** Who helped to write a batch, in words that do not tell which draft is whose. */
import type { Schemas } from "../../lib/api.ts";

/** Who was asked too, as those whose turn it was wrote too little without problems; empty where nobody was. */
export function stoodIn(drafts: readonly Pick<Schemas["DraftOut"], "model_id" | "sampling">[]): string {
  const turn = drafts[0]?.sampling["turn"] as { versions?: string[] } | undefined;
  const versions = [...(turn?.versions ?? [])].sort();
  const plain = versions.length ? drafts.find((draft) => !versions.includes(draft.model_id)) : undefined;
  return plain ? `As what ${versions.join(" and ")} wrote has problems, the plain base (${plain.model_id}) was asked too.` : "";
}
