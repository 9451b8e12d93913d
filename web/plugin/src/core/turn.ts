/** Whose turn it was to write a batch. */

import type { Draft } from "./types";

/** Who was asked too, as those whose turn it was wrote too little without problems; empty where nobody was. In the command line's words. */
export function stoodIn(drafts: readonly Draft[]): string {
  const turn = drafts[0]?.sampling.turn as { versions?: string[] } | undefined;
  const versions = [...(turn?.versions ?? [])].sort();
  const plain = versions.length ? drafts.find((draft) => !versions.includes(draft.model_id)) : undefined;
  return plain ? `As what ${versions.join(" and ")} wrote has problems, the plain base (${plain.model_id}) was asked too.` : "";
}
