/** While the person reads, candidates for the next chapter of the queue are written; the server does it when nobody waits for the model. */
import { api } from "../../lib/api.ts";
import { waitingBatch } from "./session.svelte.ts";

interface Work {
  sourceId: string;
  chapter: string;
  stop: AbortController;
  over: Promise<unknown>;
}
let work: Work | null = null;

/** Silent: whatever goes wrong here will be said when the person gets there. */
export async function prepareNext(sourceId: string, chapter: string, n: number): Promise<void> {
  try {
    const { chapters } = await api.get("/api/queue", { query: { limit: 2 } });
    const next = chapters.find((item) => item.source_id !== sourceId || item.chapter !== chapter);
    if (!next || preparing(next.source_id, next.chapter) || (await waitingBatch(next.source_id, next.chapter))) return;
    const stop = new AbortController();
    const what = { source: next.source_id, chapter: next.chapter, n };
    const over = api.post("/api/drafts", { body: { ...what, ahead: true, stream: false }, signal: stop.signal });
    const mine = (work = { sourceId: next.source_id, chapter: next.chapter, stop, over });
    await over.finally(() => work === mine && (work = null));
  } catch {
    // see above
  }
}

/** What is under way for this chapter, if anything; it ends when the batch is in the library, and never fails. */
export function preparing(sourceId: string, chapter: string): Promise<unknown> | null {
  return work?.sourceId === sourceId && work.chapter === chapter ? work.over.catch(() => undefined) : null;
}

/** The person asks for this chapter's candidates themselves: nothing is to be written twice. */
export function stopPreparing(sourceId: string, chapter: string): void {
  if (preparing(sourceId, chapter)) work?.stop.abort();
}
