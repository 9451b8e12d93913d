/** The one store of what the server tells: connection, jobs, trainings, and a counter for each part of the library that grows when it changes. */
import type { Schemas } from "./api.ts";
import { api } from "./api.ts";
import { notices } from "./notices.svelte.ts";
import { outbox } from "./outbox.svelte.ts";

export type Part = "sources" | "highlights" | "notes" | "pairs" | "drafts" | "events" | "datasets" | "runs" | "models";
const PARTS: Part[] = ["sources", "highlights", "notes", "pairs", "drafts", "events", "datasets", "runs", "models"];
type Job = Schemas["JobOut"];
export type RunEvent = { run: string; event: string; step?: number; steps?: number; loss?: number } & Record<string, unknown>;

const SOON = 500; // ms until a server that is away is tried again; longer each time
const LATE = 15_000;
const SILENT = 5_000; // ms after which a server that does not answer is taken to be away
const CONNECTING = 0;
const HIDDEN = 10_000; // ms after which a tab that nobody sees lets its connection go: all tabs share the browser's six

class Server {
  connected = $state(false);
  lost = $state(false); // it does not answer, or did and does not now
  loggedOut = $state(false);
  met = $state(false); // it has answered to this page
  jobs = $state.raw<Job[]>([]);
  heard = $state(false); // which jobs there are: what tells of them can take its place
  versions = $state(Object.fromEntries(PARTS.map((part) => [part, 0])) as Record<Part, number>);
  lastRunEvent = $state.raw<RunEvent | null>(null);
  private stopped = $state.raw<string[]>([]); // jobs that were asked from here to stop
  private missed = false; // something may have happened that nobody told
  private source: EventSource | null = null;
  private returned = $state(0);
  private wait = SOON;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private hiding: ReturnType<typeof setTimeout> | undefined;

  /** Reading this in an effect makes it run again when one of the parts has changed. */
  watch(...parts: Part[]): number {
    return parts.reduce((sum, part) => sum + this.versions[part], 0);
  }

  /** The same of a server that was away and is back, for what is asked for once. */
  again(): number {
    return this.returned;
  }

  /** For as long as the page is open and seen. */
  start(): void {
    document.addEventListener("visibilitychange", () => this.seen());
    addEventListener("focus", () => void this.look());
    addEventListener("online", () => (this.connected ? void this.look() : this.connect()));
    this.connect();
    if (document.hidden) this.seen();
  }

  private seen(): void {
    clearTimeout(this.hiding);
    if (document.hidden) this.hiding = setTimeout(() => this.letGo(), HIDDEN);
    else void this.look();
  }

  /** Somebody is there again, who may have started the server. A connection that seems to stand may be to a machine that sleeps. */
  async look(): Promise<void> {
    const source = this.source;
    if (!this.connected || !source) return this.retry();
    const answer = await fetch("/api/health", { signal: AbortSignal.timeout(SILENT) }).catch(() => null);
    if (!answer && source === this.source) this.failed(source);
  }

  /** At once, not when it would be its time; an attempt that is being made is left alone. */
  retry(): void {
    if (this.source?.readyState !== CONNECTING) this.connect();
  }

  private letGo(): void {
    if (outbox.waiting.length) return this.seen(); // it is sent when the server is back
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.missed = true;
  }

  connect(): void {
    clearTimeout(this.timer);
    this.source?.close();
    const source = (this.source = new EventSource("/api/events"));
    source.addEventListener("hello", () => this.hello());
    source.addEventListener("library", (event) => this.changed(JSON.parse(event.data).changed));
    source.addEventListener("resync", () => this.changed(PARTS));
    source.addEventListener("job", (event) => this.told(JSON.parse(event.data)));
    source.addEventListener("run", (event) => (this.lastRunEvent = JSON.parse(event.data)));
    source.onerror = () => this.failed(source);
  }

  private failed(source: EventSource): void {
    source.close(); // we try again ourselves: the browser gives up after an error status
    if (source !== this.source) return;
    this.lost = this.lost || this.connected;
    this.missed = true;
    this.connected = false;
    void this.checkLogin();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(this.wait * 1.5, LATE);
  }

  private hello(): void {
    if (this.missed) {
      this.changed(PARTS);
      this.returned++;
      notices.dropAway();
    }
    this.connected = this.met = true;
    this.missed = this.lost = this.loggedOut = false;
    this.wait = SOON;
    void outbox.flush();
    const before = this.jobs;
    setTimeout(() => (this.heard = true), SILENT); // else what waits for it would never be shown
    void api.get("/api/jobs").then((jobs) => {
      const told = this.jobs.filter((job) => !before.includes(job)); // since it was asked, and so newer
      this.jobs = [...told, ...jobs.filter((job) => !told.some(({ id }) => id === job.id))];
    }, () => undefined).finally(() => (this.heard = true));
  }

  /** A job that was just begun from here, of which the server may have told already. */
  begun(job: Job): void {
    if (!this.jobs.some(({ id }) => id === job.id)) this.told(job);
  }

  /** Also where the server has not told yet that it was asked to. */
  isStopping(job: Job | undefined): boolean {
    return job !== undefined && !job.ended_at && (job.stopping || this.stopped.includes(job.id));
  }

  async stop({ id }: Job): Promise<void> {
    this.stopped = [...this.stopped, id];
    try {
      await api.post("/api/jobs/{job_id}/stop", { path: { job_id: id } });
    } catch (error) {
      this.stopped = this.stopped.filter((other) => other !== id);
      throw error;
    }
  }

  private changed(parts: Part[]): void {
    for (const part of parts) if (part in this.versions) this.versions[part]++;
  }

  private told(job: Job): void {
    const rest = this.jobs.filter((other) => other.id !== job.id);
    this.jobs = [job, ...rest];
  }

  private async checkLogin(): Promise<void> {
    const response = await fetch("/api/status", { signal: AbortSignal.timeout(SILENT) }).catch(() => null);
    if (this.connected) return; // meanwhile
    this.loggedOut = response?.status === 401;
    this.lost = this.lost || !response;
  }
}

export const server = new Server();
