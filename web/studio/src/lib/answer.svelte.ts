/** What one part of a page is told: the newest answer to what it asks; where there never was one, why. */
import { newest } from "./newest.ts";
import { notices } from "./notices.svelte.ts";

export class Answer<T> {
  value = $state.raw<T | null>(null);
  failure = $state.raw<unknown>(null);
  asking = $state(false);
  private readonly told: ReturnType<typeof newest<T>>;

  constructor(
    private readonly get: (signal?: AbortSignal) => Promise<T>,
    take?: (answer: T) => void,
  ) {
    this.told = newest<T>((answer) => {
      take?.(answer);
      [this.value, this.failure] = [answer, null];
    });
  }

  /** What comes of it is: its place on the page is decided, and what stands beneath can be shown. */
  get known(): boolean {
    return this.value !== null || this.failure !== null;
  }

  /** Never fails: of what could not be read anew the page keeps what it has, and a message tells it. */
  async ask(signal?: AbortSignal): Promise<void> {
    this.asking = true;
    try {
      await this.told(this.get(signal), signal);
    } catch (error) {
      if (this.value === null) this.failure = error;
      else notices.wrong(error);
    } finally {
      this.asking = false;
    }
  }
}
