/** The server is told that Obsidian is there and which notes are open, and says what to write into them. One question is always out. */

import type { Api } from "./api";
import type { Order } from "./types";

const WAIT = 20; // seconds that the server may take to answer
const AGAIN = 15_000;
const BREATH = 1000; // between two answers that came at once

export interface Facts {
  vault: string;
  open: string[];
}

export class Orders {
  private stopped = false;
  private wake: (() => void) | null = null;
  private told = "";

  constructor(
    private readonly api: Pick<Api, "beThere" | "leave">,
    private readonly client: string,
    private readonly facts: () => Facts | null,
    private readonly obey: (order: Order) => Promise<void>,
    private readonly heard: (isThere: boolean) => void = () => undefined,
  ) {}

  /** Asks until it is stopped. `facts` may answer null: then nobody is asked just now. */
  async run(): Promise<void> {
    while (!this.stopped) {
      const began = Date.now();
      const pause = await this.round();
      if (!this.stopped) await this.sleep(pause || (Date.now() - began < BREATH ? BREATH : 0));
    }
  }

  private async round(): Promise<number> {
    const facts = this.facts();
    if (!facts) return AGAIN;
    try {
      this.told = JSON.stringify(facts);
      const orders = await this.api.beThere(this.client, facts.vault, facts.open, WAIT);
      this.heard(true);
      for (const order of orders) await this.obey(order);
      return 0;
    } catch {
      // Nobody there, or a wrong token: commands say so, this only waits.
      this.heard(false);
      return AGAIN;
    }
  }

  /** Other notes are open now: told at once, beside the question that is out, where one is. */
  changed(): void {
    const facts = this.facts();
    if (!facts || this.stopped || JSON.stringify(facts) === this.told) return;
    if (this.wake) return this.wake();
    this.told = JSON.stringify(facts);
    void this.api.beThere(this.client, facts.vault, facts.open, 0).catch(() => undefined);
  }

  stop(): void {
    this.stopped = true;
    this.wake?.();
    if (this.told) void this.api.leave(this.client).catch(() => undefined);
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        window.clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      const timer = window.setTimeout(wake, milliseconds);
      this.wake = wake;
    });
  }
}
