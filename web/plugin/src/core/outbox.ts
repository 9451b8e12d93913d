/** Messages that must arrive, once each: kept until the server has them, sent in order. The server knows a repeated one by its content. */

export interface Letter {
  kind: "insertion" | "edit";
  body: Record<string, unknown>;
  /** When it was posted, in milliseconds. */
  at: number;
}

/** Tells letters apart, of whichever device; of what is in one it shows nothing. */
export function nameOf({ kind, body, at }: Letter): string {
  let hash = 2166136261;
  for (const character of JSON.stringify(body)) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  return `${at} ${kind} ${(hash >>> 0).toString(36)}`;
}

export interface Store {
  load(): Letter[];
  /** `over`: the one that is kept no longer, as it has arrived or never will. */
  keep(letters: Letter[], over?: Letter): void;
  /** What is kept goes to the disk. */
  save(): Promise<void>;
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

  /** For whoever saves by themselves once there are no more. */
  put(letter: Letter): void {
    this.store.keep([...this.store.load(), letter]);
  }

  /** Kept on disk before anything is tried. */
  async post(letter: Letter): Promise<void> {
    this.put(letter);
    await this.store.save();
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
      const over = nameOf(letter);
      this.store.keep(this.store.load().filter((other) => nameOf(other) !== over), letter); // others may have come before it meanwhile
      await this.store.save();
    }
  }
}
