/** What the person did is sent in order, and kept in this tab until the server has it: a restart of the server loses nothing. */
import { ApiError, request } from "./api.ts";
import { keep, recall } from "./kept.ts";
import { notices } from "./notices.svelte.ts";

interface Letter {
  url: string;
  body: unknown;
}

class Outbox {
  waiting = $state<Letter[]>(recall("outbox", [], sessionStorage));
  private sending: Promise<void> | null = null;

  /** Queue a POST; resolves when everything queued so far is sent, or waits for the server to come back. */
  send(url: string, body: unknown): Promise<void> {
    this.put([...this.waiting, { url, body }]);
    return this.flush();
  }

  flush(): Promise<void> {
    this.sending ??= this.work().finally(() => (this.sending = null));
    return this.sending;
  }

  private async work(): Promise<void> {
    for (let letter = this.waiting[0]; letter; letter = this.waiting[0]) {
      try {
        const answer = await request(letter.url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(letter.body) });
        await answer.arrayBuffer(); // an answer that nobody reads keeps its connection
      } catch (error) {
        if (error instanceof ApiError && (error.status === 0 || error.status === 401)) return; // kept until the server is back
        notices.wrong(error);
      }
      this.put(this.waiting.slice(1));
    }
  }

  private put(letters: Letter[]): void {
    this.waiting = letters;
    keep("outbox", letters.length ? letters : null, sessionStorage);
  }
}

export const outbox = new Outbox();
