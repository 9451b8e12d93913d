/** While the person reads, candidates for the next chapter of the queue are written; the server does it when nobody waits for the model. */
import { api } from "../../lib/api.ts";
import { waitingBatch } from "./session.svelte.ts";

/** Silent: whatever goes wrong here will be said when the person gets there. */
export async function prepareNext(sourceId: string, chapter: string, n: number): Promise<void> {
  try {
    const { chapters } = await api.get("/api/queue", { query: { limit: 2 } });
    const next = chapters.find((item) => item.source_id !== sourceId || item.chapter !== chapter);
    if (!next || (await waitingBatch(next.source_id, next.chapter))) return;
    const what = next.chapter ? { chapter: next.chapter } : { highlight_ids: next.highlight_ids };
    await api.post("/api/drafts", { body: { source: next.source_id, n, ahead: true, stream: false, ...what } });
  } catch {
    // see above
  }
}
