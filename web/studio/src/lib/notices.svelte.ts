/** Short messages at the page's edge: what was done, what went wrong and what to do about it. */
import { ApiError, Unreachable } from "./api.ts";

export interface Notice {
  id: number;
  kind: "done" | "wrong";
  text: string;
  hint: string;
  away?: boolean; // it holds only until the server answers
  action?: { label: string; run: () => void };
}

/** Any error in the words of whoever raised it. */
export function inWords(error: unknown): { message: string; hint: string } {
  const { message, hint } = error instanceof ApiError ? error.problem : { message: String(error), hint: "This is a bug in the studio." };
  return { message, hint: isOut(error) ? "Open the link that notewright serve printed." : hint }; // the server's own has words for scripts, too
}

const isOut = (error: unknown) => error instanceof ApiError && error.status === 401;

const NOT_SENT_AGAIN = "It is not sent again by itself: when the server is back the page shows what counts; if it is not that, do it once more.";

class Notices {
  all = $state<Notice[]>([]);
  dialogs = $state(0); // that are open: what is beside them cannot be read or reached
  private next = 1;
  private held = false;
  private over: number[] = []; // their time, while they are held

  done(text: string, action?: Notice["action"]): void {
    this.add({ kind: "done", text, hint: "", ...(action ? { action } : {}) }, 8000);
  }

  /** Any error, and what that means here. */
  wrong(error: unknown, meaning = ""): void {
    if (error instanceof DOMException && error.name === "AbortError") return;
    const { message, hint } = inWords(error);
    this.add({ kind: "wrong", text: message, hint: [meaning, hint].filter(Boolean).join(" "), away: isOut(error) || error instanceof Unreachable }, 15000);
  }

  /** What was to be done at once and is not kept for later, as it can be seen on the page whether it counts. */
  notDone(error: unknown): void {
    if (!(error instanceof Unreachable)) return this.wrong(error);
    this.add({ kind: "wrong", text: "The server did not answer, so that this may not be done.", hint: NOT_SENT_AGAIN }, 15000); // also once it is back
  }

  drop(id: number): void {
    this.all = this.all.filter((notice) => notice.id !== id);
  }

  /** While somebody is at one of them none goes by itself. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) for (const id of this.over.splice(0)) this.drop(id);
  }

  /** The server is back. */
  dropAway(): void {
    this.all = this.all.filter((notice) => !notice.away);
  }

  /** What they offered has been done. */
  dropOffers(): void {
    this.all = this.all.filter((notice) => !notice.action);
  }

  private add(notice: Omit<Notice, "id">, milliseconds: number): void {
    const id = this.next++;
    this.all = [...this.all.filter((other) => other.text !== notice.text).slice(-3), { ...notice, id }];
    setTimeout(() => (this.held ? this.over.push(id) : this.drop(id)), milliseconds);
  }
}

export const notices = new Notices();
