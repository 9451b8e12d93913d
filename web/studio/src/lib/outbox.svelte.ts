/** What the person did is sent in order, and kept in this tab until the server has it: a restart of the server loses nothing. */
import { randomName } from "../../../api/random.ts";
import { ApiError, Unreachable, request } from "./api.ts";
import { keep, recall } from "./kept.ts";
import { notices } from "./notices.svelte.ts";
import { isFirst } from "./tab.ts";

interface Letter {
  url: string;
  body: unknown;
  about?: string;
  key?: string; // by which the server knows one that it has, but whose answer was lost; what earlier versions kept has none
}

const SOON = 2_000; // ms until what could not be taken is sent again; longer each time
const LATE = 30_000;

class Outbox {
  waiting = $state.raw<Letter[]>(recall("outbox", [], "sessionStorage"));
  held = $state(false); // the server answers, but cannot take something now
  private sending: Promise<void> | null = null;
  private current: Letter | null = null;
  private ends = new Map<Letter, (taken: boolean) => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = SOON;
  private readonly mine: Promise<void>; // what waits is this tab's

  constructor() {
    const recalled = this.waiting;
    this.mine = isFirst().then((first) => {
      if (!first) this.put(this.waiting.filter((letter) => !recalled.includes(letter)));
    });
  }

  /**
   * Queue a POST, in the place of one `about` the same that still waits. Resolves when the server has it (true), has refused it for good, or
   * another took its place (false): while the server is away or busy that may be long; `flush` waits for one attempt.
   */
  send(url: string, body: unknown, about = ""): Promise<boolean> {
    const letter: Letter = { url, body, key: randomName(), ...(about ? { about } : {}) };
    for (const other of this.waiting) if (about && other.about === about && other !== this.current) this.end(other, false);
    const taken = new Promise<boolean>((resolve) => this.ends.set(letter, resolve));
    this.put([...this.waiting, letter]);
    void this.flush();
    return taken;
  }

  flush(): Promise<void> {
    this.sending ??= this.work().finally(() => (this.sending = null));
    return this.sending;
  }

  private async work(): Promise<void> {
    await this.mine;
    clearTimeout(this.timer);
    const aside = new Set<Letter>();
    for (let letter = this.waiting[0]; letter; letter = this.waiting.find((other) => !aside.has(other))) {
      this.current = letter;
      const error = await this.post(letter);
      this.current = null;
      if (!error) this.end(letter, true);
      else if (error instanceof Unreachable) return this.later(); // kept until the server is back
      else if (isForNow(error)) {
        if (!this.held) notices.wrong(error);
        this.held = true;
        aside.add(letter);
        if (error.status < 500) break; // the login, the library or the disk: the others would fare no better
      } else {
        notices.wrong(error);
        this.end(letter, false);
      }
    }
    this.held = aside.size > 0;
    if (this.held) this.later();
    else this.wait = SOON;
  }

  private later(): void {
    this.timer = setTimeout(() => void this.flush(), this.wait);
    this.wait = Math.min(this.wait * 1.5, LATE);
  }

  private async post({ url, body, key }: Letter): Promise<unknown> {
    try {
      const headers = { "content-type": "application/json", ...(key ? { "idempotency-key": key } : {}) };
      const answer = await request(url, { method: "POST", headers, body: JSON.stringify(body) });
      await answer.arrayBuffer(); // an answer that nobody reads keeps its connection
      return null;
    } catch (error) {
      return error;
    }
  }

  private end(letter: Letter, taken: boolean): void {
    this.put(this.waiting.filter((other) => other !== letter));
    this.ends.get(letter)?.(taken);
    this.ends.delete(letter);
  }

  private put(letters: Letter[]): void {
    this.waiting = letters;
    keep("outbox", letters.length ? letters : null, "sessionStorage");
  }
}

const isForNow = (error: unknown): error is ApiError => error instanceof ApiError && (error.status === 401 || error.status === 423 || error.status === 424 || error.status >= 500);

export const outbox = new Outbox();
