/** One sitting over one chapter: its highlights, the candidates as they stream in, how the person ranks them. */
import type { Schemas } from "../../lib/api.ts";
import { ApiError, api, request } from "../../lib/api.ts";
import { keep, recall } from "../../lib/kept.ts";
import { notices } from "../../lib/notices.svelte.ts";
import { outbox } from "../../lib/outbox.svelte.ts";
import { prepare } from "../../lib/previews.ts";
import type { Ranking } from "../../lib/ranking.ts";
import { EMPTY, drop, isEmpty, isWhole, placeOf } from "../../lib/ranking.ts";
import { settled, shuffled } from "../../lib/shuffle.ts";
import { told } from "../../lib/sse.ts";

export type Draft = Schemas["DraftOut"];
export type Batch = Schemas["BatchOut"];
type Judged = Pick<Schemas["JudgedOut"], "order" | "rejected">;
type Offer = { n: number; written: number; max_new_tokens?: number };

export interface Candidate {
  key: string; // the place it was given when writing began: stable, so that nothing jumps when the draft gets its id
  id: string; // the draft's, "" while it grows
  text: string;
  draft: Draft | null;
}

const PAUSE = 120_000; // ms without a sign of the person: more of it was spent elsewhere
const SAVE_AFTER = 700; // ms without another key before a whole ranking is saved

interface Kept {
  ranking: Ranking;
  saved: boolean; // the server has it
}

/** What this browser knows of how a batch was ranked. */
function keptRanking(batchId: string, ids: string[]): Kept {
  const kept = recall<Kept | Ranking | null>(`ranking:${batchId}`, null);
  if (!kept) return { ranking: EMPTY, saved: true };
  return "ranking" in kept ? kept : { ranking: kept, saved: isWhole(kept, ids) }; // an older page sent whole ones and did not keep whether it had
}

/** An empty one is kept where the server has still to learn that nothing is said any more. */
export const keepRanking = (batchId: string, kept: Kept): void => keep(`ranking:${batchId}`, isEmpty(kept.ranking) && kept.saved ? null : kept);

export class Session {
  candidates = $state<Candidate[]>([]);
  batch = $state.raw<Batch | null>(null);
  state = $state<"idle" | "queued" | "writing" | "done">("idle");
  position = $state(0); // in the queue for the model
  offer = $state.raw<Offer | null>(null);
  ranking = $state.raw<Ranking>(EMPTY);
  saved = $state(true); // the server has the ranking as it stands
  known = $state.raw<Ranking | null>(EMPTY); // what the server has of it; null while that is not sure
  focused = $state(0);
  firstText = 0; // ms from asking to the first word
  private stop: AbortController | null = null;
  private spent = 0; // ms until the last sign of the person since the batch was there to be read
  private sign = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private handed: Ranking | null = null; // is being sent
  private round = 0; // of candidates: those of another one are no cards of this
  private elsewhere = false; // another tab has ranked it so, and sends it by itself

  get ids(): string[] {
    return this.candidates.map((item) => item.id).filter(Boolean);
  }

  get atWork(): boolean {
    return this.state === "queued" || this.state === "writing";
  }

  get current(): Candidate | undefined {
    return this.candidates[this.focused];
  }

  /** The server has a judgement, whatever is shown. */
  get counts(): boolean {
    return this.known !== null && !isEmpty(this.known);
  }

  number(id: string): string {
    return String(this.candidates.findIndex((item) => item.id === id) + 1);
  }

  /** Seconds that the person has spent since the batch was there to be read. */
  seconds(): number {
    return Math.round((this.spent + Math.min(performance.now() - this.sign, PAUSE)) / 100) / 10;
  }

  /** The person does something. */
  attend(): void {
    const now = performance.now();
    this.spent += Math.min(now - this.sign, PAUSE);
    this.sign = now;
  }

  clear(): void {
    void this.leave();
    this.cancel();
    this.candidates = [];
    this.round++;
    this.batch = null;
    this.state = "idle";
    this.ranking = this.known = EMPTY;
    this.saved = true;
  }

  /** What was being written is stored nowhere, so it goes. */
  cancel(): void {
    this.stop?.abort();
    this.stop = null;
    if (!this.atWork) return;
    this.state = "idle";
    this.candidates = [];
  }

  /** Ask for candidates and show them while they grow; `inOrder` shows them as the server orders them. Returns the batch's id. */
  async generate(wish: Partial<Schemas["DraftIn"]> & { source: string }, inOrder: boolean): Promise<string> {
    this.clear();
    const stop = (this.stop = new AbortController());
    const asked = performance.now();
    const count = wish.n ?? 3;
    const numbers = Array.from({ length: count }, (_, number) => number);
    const places = inOrder ? numbers : shuffled(numbers, String(asked));
    this.candidates = places.map((number) => ({ key: this.key(number), id: "", text: "", draft: null }));
    this.state = "queued";
    this.position = 0;
    this.offer = null;
    this.focused = 0;
    try {
      const response = await request("/api/drafts", {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(wish), signal: stop.signal,
      });
      for await (const { event, data } of told(response.body!)) {
        if (stop.signal.aborted) return "";
        if (event === "queued") this.position = (data as { position: number }).position;
        else if (event === "started") this.state = "writing";
        else if (event === "text") {
          this.firstText ||= performance.now() - asked;
          this.grow(data as { candidate: number; text: string; replace: boolean });
        } else if (event === "done") {
          const batch = data as Batch;
          await prepare(batch.drafts.map((draft) => draft.text));
          if (stop.signal.aborted) return "";
          this.show(batch, inOrder ? batch.drafts : settled(places, batch.drafts, (draft) => draft.sampling["written"], batch.id));
          return batch.id;
        } else if (event === "error") {
          const problem = data as Schemas["Problem"] & { status: number; offer: Offer | null };
          this.offer = problem.offer;
          throw new ApiError(problem.status, problem);
        }
      }
      throw new ApiError(0, { message: "The server stopped while it was writing.", hint: "Ask again with “Write” (g).", problems: [] });
    } catch (error) {
      if (stop.signal.aborted) return "";
      this.clear();
      notices.wrong(error);
      return "";
    }
  }

  private key(place: unknown): string {
    return `${this.round}.${String(place)}`;
  }

  private grow({ candidate, text, replace }: { candidate: number; text: string; replace: boolean }): void {
    const item = this.candidates.find((one) => one.key === this.key(candidate));
    if (item) item.text = replace ? text : item.text + text;
  }

  /** Show a batch that is in the library, in the order in which this browser showed it before, else at random, or, if so wished, as it comes.
   *  It may have been `judged` elsewhere: that counts, unless what was said here is still on its way. */
  open(batch: Batch, inOrder: boolean, judged: Judged | null = null): void {
    this.clear();
    if (judged && keptRanking(batch.id, batch.drafts.map((draft) => draft.id)).saved) {
      keepRanking(batch.id, { ranking: { order: judged.order, rejected: judged.rejected, tie: false }, saved: true });
    }
    const kept = recall<string[]>(`shown:${batch.id}`, []);
    const ids = batch.drafts.map((draft) => draft.id);
    const order = kept.length ? kept : inOrder ? ids : shuffled(ids, batch.id);
    this.show(batch, order.flatMap((id) => batch.drafts.find((draft) => draft.id === id) ?? []));
  }

  private show(batch: Batch, drafts: Draft[]): void {
    this.candidates = drafts.map((draft) => ({ key: this.key(draft.sampling["written"] ?? draft.id), id: draft.id, text: draft.text, draft }));
    this.batch = batch;
    this.state = "done";
    this.stop = null;
    this.spent = 0;
    this.sign = performance.now();
    this.adopt();
    this.elsewhere = false;
    this.saveSoon();
    this.focused = 0;
    keep(`shown:${batch.id}`, drafts.map((draft) => draft.id));
  }

  /** Show the ranking that this browser has kept: another tab has made it, or an undo. */
  adopt(): void {
    if (!this.batch) return;
    clearTimeout(this.timer);
    ({ ranking: this.ranking, saved: this.saved } = keptRanking(this.batch.id, this.ids));
    this.known = this.saved ? this.ranking : null;
    this.elsewhere = true;
  }

  rank(ranking: Ranking): void {
    if (!this.batch) return;
    this.ranking = ranking;
    this.saved = isEmpty(ranking) && this.known !== null && isEmpty(this.known);
    this.elsewhere = false;
    keepRanking(this.batch.id, { ranking, saved: this.saved });
    this.saveSoon();
  }

  /** Of an order that was emptied and not sent as such, what the server has is shown again; false where there is none. */
  restore(): boolean {
    if (!this.batch || this.saved || !isEmpty(this.ranking) || !this.known) return false;
    keepRanking(this.batch.id, { ranking: this.known, saved: true });
    this.adopt();
    return true;
  }

  /** A whole order is saved by itself. */
  private saveSoon(): void {
    clearTimeout(this.timer);
    if (!this.saved && isWhole(this.ranking, this.ids) && !isEmpty(this.ranking)) this.timer = setTimeout(() => void this.save(), SAVE_AFTER);
  }

  move(id: string, before: string | null): void {
    if (!this.batch) return; // those that are still written have no ids yet
    const { ranking, shown } = drop(this.ranking, this.ids, id, before);
    this.candidates = shown.flatMap((one) => this.candidates.find((item) => item.id === one) ?? []);
    this.focused = Math.max(0, this.candidates.findIndex((item) => item.id === id));
    this.rank(ranking);
  }

  /** Send the ranking as it stands, once; over after one attempt, when a server that is busy may not have it yet. */
  async save(): Promise<void> {
    clearTimeout(this.timer);
    const { batch, ranking } = this;
    if (!batch || this.saved || ranking === this.handed) return;
    this.handed = ranking;
    const { order, rejected } = ranking;
    const [about, seconds] = [`ranking:${batch.id}`, this.seconds()];
    const before = !isEmpty(ranking) && this.known && !this.known.order.length && this.known.rejected.every((id) => rejected.includes(id)) ? this.known.rejected : null;
    this.known = null;
    const sent = !order.length && rejected.length && rejected.length === this.ids.length
      ? [outbox.send("/api/decisions", { decision: "reject_all", batch_id: batch.id, seconds }, about)]
      : order.length || !before // a ranking takes the place of what was said before, an empty one too; a rejection is only added to it
        ? [outbox.send(`/api/batches/${batch.id}/ranking`, { order, rejected, seconds }, about)]
        : rejected.filter((id) => !before.includes(id)).map((id) => outbox.send("/api/decisions", { decision: "reject", draft_id: id, seconds }, `reject:${id}`));
    void Promise.all(sent).then((taken) => this.sent(batch.id, ranking, taken.every(Boolean)));
    await outbox.flush();
  }

  private sent(batchId: string, ranking: Ranking, saved: boolean): void {
    const kept = keptRanking(batchId, []);
    if (saved && JSON.stringify(kept.ranking) === JSON.stringify(ranking)) keepRanking(batchId, { ranking, saved });
    if (this.ranking === ranking) this.saved = saved;
    if (saved && this.handed === ranking && this.batch?.id === batchId) this.known = ranking;
    if (!saved && this.handed === ranking) this.handed = null;
  }

  /** Before going elsewhere: what was ranked is kept. */
  async leave(): Promise<void> {
    if (!this.elsewhere) await this.save();
  }

  place(id: string): number {
    return placeOf(this.ranking, id);
  }
}

/** The newest batch of a chapter that the person has not judged yet, such as one prepared ahead; none of a version they went back from, and
 *  none where a rule was said since, as it was neither written nor checked by that. */
export async function waitingBatch(sourceId: string, chapter: string): Promise<Schemas["BatchRow"] | null> {
  const page = await api.get("/api/batches", { query: { source_id: sourceId, chapter, unseen: true, limit: 1 } });
  const row = page.batches[0];
  if (!row || row.chapter !== chapter || row.ranked || row.accepted || row.rejected || row.left) return null;
  const done = await api.get("/api/history", { query: { limit: 200 } });
  const said = done.some(({ undone, event }) => !undone && event.kind === "rule" && event.payload["action"] !== "remove" && event.at > row.created_at);
  return said ? null : row;
}
