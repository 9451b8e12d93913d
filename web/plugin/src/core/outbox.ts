/** Messages that must arrive, once each: kept until the server has them, sent in order. The server knows a repeated one by its content. */

export interface Letter {
  kind: "insertion" | "edit";
  body: Record<string, unknown>;
  /** When it was posted, in milliseconds. */
  at: number;
}

export interface Store {
  load(): Letter[];
  save(letters: Letter[]): Promise<void>;
}

export class Outbox {
  private sending: Promise<number> | null = null;

  constructor(
    private readonly store: Store,
    private readonly deliver: (letter: Letter) => Promise<void>,
    private readonly isFinal: (error: unknown, letter: Letter) => boolean,
  ) {}

  get waiting(): number {
    return this.store.load().length;
  }

  /** Kept on disk before anything is tried. */
  async post(letter: Letter): Promise<void> {
    await this.store.save([...this.store.load(), letter]);
    await this.flush();
  }

  /** Sends what waits, oldest first; stops at the first that gets no answer. Returns how many are still waiting. */
  flush(): Promise<number> {
    this.sending ??= this.send().finally(() => (this.sending = null));
    return this.sending;
  }

  private async send(): Promise<number> {
    for (;;) {
      const [letter] = this.store.load();
      if (!letter) return 0;
      try {
        await this.deliver(letter);
      } catch (error) {
        // A message the server refuses for good would stop all later ones; one without an answer is tried again.
        if (!this.isFinal(error, letter)) return this.waiting;
      }
      await this.store.save(this.store.load().slice(1));
    }
  }
}
