/** Whether somebody who asked for something still waits for it: whoever types or clicks elsewhere meanwhile keeps the focus there. */
export class Attending {
  private readonly over = new AbortController();
  private isElsewhere = false;

  constructor(page: Document) {
    const went = (event: Event): void => {
      if (!(event instanceof KeyboardEvent && event.repeat)) this.isElsewhere = true;
    };
    // Not at once: the key or the click that asked may still be on its way.
    window.setTimeout(() => {
      for (const kind of ["keydown", "pointerdown"]) page.addEventListener(kind, went, { capture: true, signal: this.over.signal });
    });
  }

  get waits(): boolean {
    return !this.isElsewhere;
  }

  /** They have answered a question of ours. */
  again(): void {
    this.isElsewhere = false;
  }

  end(): void {
    this.over.abort();
  }
}
