import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Orders, type Facts } from "../../src/core/orders";
import type { Order } from "../../src/core/types";

vi.stubGlobal("window", globalThis); // the timers are a window's, as Obsidian asks

interface Asked {
  open: string[];
  wait: number;
}

function desk(answers: (Order[] | Error)[]): { api: { beThere(...all: [string, string, string[], number]): Promise<Order[]>; leave(): Promise<unknown> }; asked: Asked[]; left: () => number } {
  const asked: Asked[] = [];
  let left = 0;
  return {
    asked,
    left: () => left,
    api: {
      beThere: (_client, _vault, open, wait) => {
        asked.push({ open, wait });
        const answer = wait ? answers.shift() : [];
        return answer instanceof Error ? Promise.reject(answer) : answer ? Promise.resolve(answer) : new Promise(() => undefined);
      },
      leave: () => Promise.resolve(left++),
    },
  };
}

const order = (id: number): Order => ({ id }) as Order;

describe("orders", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("are obeyed one after the other, and asked for again", async () => {
    const { api, asked } = desk([[order(1), order(2)], []]);
    const seen: number[] = [];
    const orders = new Orders(api, "c", () => ({ vault: "v", open: ["a.md"] }), (item) => Promise.resolve(void seen.push(item.id)));
    void orders.run();
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual([1, 2]);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked.length).toBe(3);
    orders.stop();
  });
  it("do not hurry a server that is away or lets nobody in", async () => {
    const { api, asked } = desk([new Error("away"), new Error("away")]);
    const orders = new Orders(api, "c", () => ({ vault: "v", open: [] }), () => Promise.resolve());
    void orders.run();
    await vi.advanceTimersByTimeAsync(14_000);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(asked).toHaveLength(2);
    orders.stop();
  });
  it("hear at once what is open now, once for each change", async () => {
    const { api, asked, left } = desk([]);
    let facts: Facts | null = { vault: "v", open: [] };
    const orders = new Orders(api, "c", () => facts, () => Promise.resolve());
    void orders.run();
    await vi.advanceTimersByTimeAsync(0);
    facts = { vault: "v", open: ["a.md"] };
    orders.changed();
    orders.changed();
    expect(asked.map((item) => [item.open, item.wait])).toEqual([[[], 20], [["a.md"], 0]]);
    orders.stop();
    expect(left()).toBe(1);
    orders.changed();
    expect(asked).toHaveLength(2);
  });
  it("are not asked for without a token", async () => {
    const { api, asked, left } = desk([]);
    const orders = new Orders(api, "c", () => null, () => Promise.resolve());
    void orders.run();
    await vi.advanceTimersByTimeAsync(60_000);
    orders.stop();
    expect(asked).toEqual([]);
    expect(left()).toBe(0);
  });
});
