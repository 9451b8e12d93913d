import { describe, expect, it } from "vitest";
import { Outbox, type Letter } from "../../src/core/outbox";

const letter = (number: number): Letter => ({ kind: "edit", body: { number }, at: 0 });

function box(deliver: (letter: Letter) => Promise<void>): { outbox: Outbox; kept: () => Letter[] } {
  let kept: Letter[] = [];
  const store = { load: () => kept, keep: (letters: Letter[]) => void (kept = letters), save: () => Promise.resolve() };
  return { outbox: new Outbox(store, deliver, (error) => (error as Error).message === "final"), kept: () => kept };
}

describe("the outbox", () => {
  it("delivers in order, each once, however often it is asked", async () => {
    const seen: unknown[] = [];
    const { outbox, kept } = box(async (sent) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      seen.push(sent.body.number);
    });
    await Promise.all([outbox.post(letter(1)), outbox.post(letter(2)), outbox.flush(), outbox.post(letter(3))]);
    await outbox.flush();
    expect(seen).toEqual([1, 2, 3]);
    expect(kept()).toEqual([]);
  });
  it("keeps what gets no answer, and sends it when there is one", async () => {
    let up = false;
    const seen: unknown[] = [];
    const { outbox, kept } = box((sent) => (up ? Promise.resolve(void seen.push(sent.body.number)) : Promise.reject(new Error("offline"))));
    await outbox.post(letter(1));
    await outbox.post(letter(2));
    expect(kept()).toHaveLength(2);
    expect(outbox.waiting).toBe(2);
    up = true;
    expect(await outbox.flush()).toBe(0);
    expect(seen).toEqual([1, 2]);
  });
  it("drops what the server refuses for good, so that the rest arrives", async () => {
    const seen: unknown[] = [];
    const { outbox } = box((sent) => (sent.body.number === 1 ? Promise.reject(new Error("final")) : Promise.resolve(void seen.push(sent.body.number))));
    await outbox.post(letter(1));
    await outbox.post(letter(2));
    expect(seen).toEqual([2]);
  });
});
