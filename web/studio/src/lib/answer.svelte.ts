/** What one part of a page is told: the newest answer to what it asks; where there never was one, why. */
import { Late } from "./api.ts";
import { newest } from "./newest.ts";
import { notices } from "./notices.svelte.ts";

export const PATIENT = 10_000; // ms for which what stands beneath waits for something that is read in an instant
export const LONG = 60_000; // the same for what has to be computed first

export class Answer<T> {
  value = $state.raw<T | null>(null);
  failure = $state.raw<unknown>(null);
  asking = $state(false);
  private told = this.begin();

  constructor(
    private readonly get: (signal?: AbortSignal) => Promise<T>,
    private readonly take?: (answer: T) => void,
    private readonly patience = PATIENT,
  ) {}

  private begin(): ReturnType<typeof newest<T>> {
    const told = newest<T>((answer) => {
      if (told !== this.told) return;
      this.take?.(answer);
      [this.value, this.failure] = [answer, null];
    });
    return told;
  }

  /** What comes of it is: its place on the page is decided, and what stands beneath can be shown. */
  get known(): boolean {
    return this.value !== null || this.failure !== null;
  }

  /** From now on it is about something else, of which nothing is known. */
  forget(): void {
    [this.value, this.failure, this.asking] = [null, null, false];
    this.told = this.begin();
  }

  /** Never fails: of what could not be read anew the page keeps what it has, and a message tells it. Where the first answer takes long, that
   *  is the failure until it comes: nothing is broken off. */
  async ask(signal?: AbortSignal): Promise<void> {
    const told = this.told;
    const isOld = () => told !== this.told || signal?.aborted === true;
    this.asking = true;
    const timer = setTimeout(() => {
      if (isOld()) return;
      this.asking = false; // it can be asked for again
      if (this.value === null) this.failure ??= new Late();
    }, this.patience);
    try {
      await told(this.get(signal), signal);
    } catch (error) {
      if (isOld()) return;
      if (this.value === null) this.failure = error;
      else notices.wrong(error);
    } finally {
      clearTimeout(timer);
      if (!isOld()) this.asking = false;
    }
  }
}
