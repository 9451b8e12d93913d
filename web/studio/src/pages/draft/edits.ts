/** What this browser knows of how a draft was edited. */
import { keep, recall } from "../../lib/kept.ts";

interface Kept {
  text: string;
  saved: boolean; // the server has it
}

/** As it was kept; an older page kept the text alone. */
export const textOf = (kept: unknown): string | null => (typeof kept === "string" ? kept : ((kept as Kept | null)?.text ?? null));

/** `text` is null where the draft is as it was written. */
export const keepEdit = (id: string, text: string | null, saved: boolean): void => keep(`edit:${id}`, text === null ? null : { text, saved });

/** The text of it that this browser knows of. */
export const keptEdit = (id: string): string | null => textOf(recall(`edit:${id}`, null));

/** The server has it now. */
export function taken(id: string, text: string): void {
  if (keptEdit(id) === text) keepEdit(id, text, true);
}

/** What counts: what the server was `told`, by whomever, unless what was said here is still on its way. */
export function standingEdit(id: string, told: string | null): string | null {
  const kept = recall<Kept | string | null>(`edit:${id}`, null);
  if (typeof kept === "string" || kept?.saved === false) return textOf(kept);
  keepEdit(id, told, true);
  return told;
}
