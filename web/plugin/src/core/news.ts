/** What the server tells unasked: that another version writes now. */

import type { Api } from "./api";

export class News {
  private over = new AbortController();
  /** The server that is listened to; empty where none is. */
  private heard = "";

  constructor(
    private readonly api: Pick<Api, "versions">,
    private readonly address: () => string,
    private readonly told: () => void,
  ) {}

  /** From now on, where it isn't so already. Where it ended, or another server was named meanwhile, it begins anew. */
  listen(): void {
    const address = this.address();
    if (this.heard === address) return;
    this.stop();
    const over = (this.over = new AbortController());
    this.heard = address;
    const ended = (): void => {
      if (over === this.over) this.heard = "";
    };
    this.api.versions(this.told, over.signal).then(ended, ended);
  }

  stop(): void {
    this.over.abort();
    this.heard = "";
  }
}
