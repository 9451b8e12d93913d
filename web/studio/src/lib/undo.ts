/** Taking back what was done on a page other than that of the drafts. */
import { api } from "./api.ts";

/** The person's last deed, if it is of one of these kinds of events; false, and nothing is undone, where it is another, null where there is none. */
export async function undoLast(...kinds: string[]): Promise<boolean | null> {
  const last = (await api.get("/api/history", { query: { limit: 200 } })).find((action) => !action.undone);
  if (!last) return null;
  if (!kinds.includes(last.event.kind)) return false;
  await api.post("/api/undo", { body: { expected: last.event.id } });
  return true;
}
