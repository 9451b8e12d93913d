/** The server as the plugin sees it. Knows nothing of Obsidian: how a request travels is given from outside. */

import { randomName } from "../../../api/random";
import type { Ranking } from "./ranking";
import { eventsOf } from "./sse";
import type {
  Batch, Chapter, DraftWish, Health, Insertion, Job, NoteRow, Order, Passage, Place, Preview, Remark, Source, SourceDetail, Span, Status, Template,
} from "./types";

export interface Answer {
  status: number;
  text: string;
}

export interface Sending {
  url: string;
  method: string;
  headers: Record<string, string>;
  body?: string;
}

/** `send` has no limits of origin but answers whole (Obsidian's `requestUrl`); `fetch` tells a draft while it grows. */
export interface Transport {
  send(request: Sending): Promise<Answer>;
  fetch(request: Sending, signal: AbortSignal): Promise<Response>;
}

/** What went wrong, in the server's words where it had any. `status` is 0 when nobody answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint = "",
  ) {
    super(message);
  }
}

export interface Telling {
  queued?(position: number): void;
  started?(model: string): void;
  text?(candidate: number, text: string): void;
}

export const API_VERSION = 1;

export class Api {
  private unanswered: { what: string; key: string; body: object } | null = null;

  constructor(
    private readonly address: () => string,
    private readonly token: () => string,
    private readonly transport: Transport,
  ) {}

  /** Is the server there, and one that this plugin understands? Asks for the token too, so that a wrong one is found at once. */
  async check(): Promise<Status> {
    const health = await this.call<Health>("GET", "/api/health");
    if (health.name !== "notewright") throw new ApiError(0, "What answers there is not notewright.", "Check the address in the settings.");
    if (health.api !== API_VERSION) {
      const older = health.api < API_VERSION ? "server" : "plugin";
      throw new ApiError(0, `The server speaks version ${health.api}, this plugin version ${API_VERSION}.`, `Update the ${older}.`);
    }
    return this.call<Status>("GET", "/api/status");
  }

  /** All of them, however many. */
  async sources(): Promise<Source[]> {
    const found: Source[] = [];
    for (;;) {
      const page = await this.call<{ total: number; sources: Source[] }>("GET", `/api/sources?limit=1000&offset=${found.length}`);
      found.push(...page.sources);
      if (!page.sources.length || found.length >= page.total) return found;
    }
  }

  source(id: string): Promise<SourceDetail> {
    return this.call("GET", `/api/sources/${encodeURIComponent(id)}`);
  }

  async queue(limit = 50): Promise<Chapter[]> {
    return (await this.call<{ chapters: Chapter[] }>("GET", `/api/queue?limit=${limit}`)).chapters;
  }

  chips(): Promise<string[]> {
    return this.call("GET", "/api/chips");
  }

  /** Writes candidates and tells their texts while they grow, where the connection lets it; the batch comes at the end either way. */
  async draft(wish: DraftWish, telling: Telling, signal: AbortSignal): Promise<Batch> {
    let response: Response;
    try {
      response = await this.transport.fetch(this.sending("POST", "/api/drafts", { ...wish, stream: true }), signal);
    } catch (error) {
      if (signal.aborted) throw error;
      return this.call<Batch>("POST", "/api/drafts", { ...wish, stream: false });
    }
    if (!response.ok || !response.body) throw problemOf(response.status, await response.text());
    const texts = new Map<number, string>();
    const broken = new ApiError(0, "The server stopped answering while it was writing.", "Try again.");
    for await (const { event, data } of eventsOf(response.body, broken)) {
      const told = JSON.parse(data) as Record<string, unknown>;
      if (event === "done") return told as unknown as Batch;
      if (event === "error") throw new ApiError(Number(told.status), text(told.message), text(told.hint));
      if (event === "queued") telling.queued?.(Number(told.position));
      if (event === "started") telling.started?.(text(told.model_id));
      if (event === "text") {
        const candidate = Number(told.candidate);
        const grown = (told.replace ? "" : (texts.get(candidate) ?? "")) + text(told.text);
        texts.set(candidate, grown);
        telling.text?.(candidate, grown);
      }
    }
    throw broken;
  }

  rank(batch: string, { groups, rejected }: Ranking, remark: Remark): Promise<unknown> {
    return this.say(`/api/batches/${encodeURIComponent(batch)}/ranking`, { order: groups, rejected }, remark);
  }

  reject(draft: string, remark: Remark): Promise<unknown> {
    return this.say("/api/decisions", { decision: "reject", draft_id: draft }, remark);
  }

  rejectAll(batch: string, remark: Remark): Promise<unknown> {
    return this.say("/api/decisions", { decision: "reject_all", batch_id: batch }, remark);
  }

  comment(draft: string, text: string, chips: string[]): Promise<unknown> {
    return this.say("/api/comments", { draft_id: draft, text, chips });
  }

  /** Where in the note the draft would go, and the hash of the note for which that holds. */
  preview(draft: string, place: Place): Promise<Preview> {
    const { into, under, finalText, template, seen } = place;
    const body = { into, under, final_text: finalText, template, seen: { text: seen } };
    return this.call("POST", `/api/drafts/${encodeURIComponent(draft)}/accept/preview`, body);
  }

  templates(): Promise<Template[]> {
    return this.call("GET", "/api/templates");
  }

  /** Notes that have pairs with the source, or are called like it, first. */
  async notes(source: string): Promise<NoteRow[]> {
    return (await this.call<{ notes: NoteRow[] }>("GET", `/api/notes?limit=5&source_id=${encodeURIComponent(source)}`)).notes;
  }

  /** Has the server read the vault's notes as they are now; only what changed is opened. False where nobody waits for it any more. */
  async readVault(stopped: AbortSignal): Promise<boolean> {
    let job = await this.call<Job>("POST", "/api/import/vault");
    while (!stopped.aborted && (job.state === "waiting" || job.state === "running")) {
      await new Promise((resolve) => window.setTimeout(resolve, 200));
      job = await this.call<Job>("GET", `/api/jobs/${encodeURIComponent(job.id)}`);
    }
    if (stopped.aborted) return false;
    if (job.state !== "done") throw new ApiError(0, job.problem?.message ?? "The vault was not read.", job.problem?.hint ?? "Try again.");
    return true;
  }

  /** The passages of a note in its order, as the server read the vault last. */
  async passages(path: string): Promise<Passage[]> {
    return (await this.call<{ passages: Passage[] }>("GET", `/api/passages?note_path=${encodeURIComponent(path)}`)).passages;
  }

  /** Say what a passage was written from. Answers with the events that `restorePairs` takes back; none where it was known. */
  namePair(path: string, passage: string, source: string, highlights: string[]): Promise<{ events: number[] }> {
    return this.call("POST", "/api/pairs", { note_path: path, passage_id: passage, source_id: source, highlight_ids: highlights });
  }

  restorePairs(events: number[]): Promise<unknown> {
    return this.call("POST", "/api/pairs/restore", { events });
  }

  /** Which sentence or bullet of a text rests on which of the highlights. */
  provenance(text: string, highlights: string[]): Promise<Span[]> {
    return this.call("POST", "/api/provenance", { text, highlight_ids: highlights.slice(0, 5000) });
  }

  /** Tell that this Obsidian is there, with these notes open; answers with what it is asked to write, `wait` seconds later at most. */
  async beThere(client: string, vault: string, open: string[], wait: number): Promise<Order[]> {
    return (await this.call<{ orders?: Order[] }>("POST", `/api/editors/${client}`, { vault, open, wait })).orders ?? [];
  }

  leave(client: string): Promise<unknown> {
    return this.call("DELETE", `/api/editors/${client}`);
  }

  /** False when the server has done it by itself meanwhile. */
  async answerOrder(order: number, state: "taken" | "refused"): Promise<boolean> {
    return (await this.call<{ granted: boolean }>("POST", `/api/orders/${order}`, { state })).granted;
  }

  /** Tell of an insertion that Obsidian made. The same one told twice counts once. */
  inserted(insertion: Insertion): Promise<unknown> {
    const { draft_id: draft, ...rest } = insertion;
    return this.call("POST", `/api/drafts/${encodeURIComponent(draft)}/insertions`, rest);
  }

  /** Tell what a passage has become. The same text told twice counts once. */
  edited(draft: string, before: string, after: string, path: string): Promise<unknown> {
    return this.call("POST", `/api/drafts/${encodeURIComponent(draft)}/later-edits`, { before, after, note_path: path });
  }

  improve(): Promise<unknown> {
    return this.call("POST", "/api/improve", {});
  }

  /** Says, until the server goes or the signal ends it, when other versions may be there or another one may write; at first too, for what came
   * before. Rejects at once where the connection does not stream. */
  async versions(told: () => void, signal: AbortSignal): Promise<void> {
    const response = await this.transport.fetch(this.sending("GET", "/api/events"), signal);
    if (!response.ok || !response.body) throw problemOf(response.status, await response.text());
    for await (const { event, data } of eventsOf(response.body, new ApiError(0, "The server stopped telling what happens."))) {
      const { changed } = JSON.parse(data) as { changed?: string[] };
      if (event === "hello" || event === "resync" || (event === "library" && changed?.includes("models"))) told();
    }
  }

  /** A judgement. One whose answer was lost is said once more by the person: it goes as it was the first time, and counts once. */
  private async say(path: string, judgement: object, remark: Remark = {}): Promise<unknown> {
    const what = path + JSON.stringify(judgement);
    if (this.unanswered?.what !== what) this.unanswered = { what, key: randomName(), body: { ...judgement, ...remark } };
    const { body, key } = this.unanswered;
    try {
      const answer = await this.call("POST", path, body, key);
      this.unanswered = null;
      return answer;
    } catch (error) {
      if (error instanceof ApiError && error.status) this.unanswered = null;
      throw error;
    }
  }

  private sending(method: string, path: string, body?: unknown, key = ""): Sending {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.token()}` };
    if (key) headers["Idempotency-Key"] = key;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    return { url: this.address().replace(/\/+$/, "") + path, method, headers, ...(text === undefined ? {} : { body: text }) };
  }

  private async call<T>(method: string, path: string, body?: unknown, key = ""): Promise<T> {
    let answer: Answer;
    try {
      answer = await this.transport.send(this.sending(method, path, body, key));
    } catch {
      throw new ApiError(0, `No notewright server answers at ${this.address()}.`, "Start it with: notewright serve");
    }
    if (answer.status < 200 || answer.status > 299) throw problemOf(answer.status, answer.text);
    if (answer.status === 204) return undefined as T;
    try {
      return JSON.parse(answer.text) as T;
    } catch {
      throw new ApiError(0, `What answers at ${this.address()} is not notewright.`, "Check the address in the settings.");
    }
  }
}

const PATIENCE = 10 * 60 * 1000;

/** Whether the server has refused something for good. A note that is not as it was told (409) may only not be saved yet; a busy library (423)
 * and a disk or network that fails (424) pass. */
export function isFinal(error: unknown, postedAt: number): boolean {
  if (!(error instanceof ApiError) || error.status < 400 || error.status > 499) return false;
  if (error.status === 409) return Date.now() - postedAt > PATIENCE;
  return ![401, 403, 408, 423, 424, 429].includes(error.status);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function problemOf(status: number, body: string): ApiError {
  try {
    const told = JSON.parse(body) as Partial<{ message: string; hint: string; detail: unknown }>;
    if (told.message) return new ApiError(status, told.message, told.hint ?? "");
  } catch {
    // not ours: a proxy's page, perhaps
  }
  return new ApiError(status, `The server answered with an error (${status}).`, "Look at what notewright serve printed.");
}
