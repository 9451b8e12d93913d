import { expect, it, vi } from "vitest";
import { browse } from "./browser.ts";

class Source {
  static last: Source;
  onerror = () => {};
  private heard: Record<string, (event: { data: string }) => void> = {};

  constructor() {
    Source.last = this;
  }
  addEventListener(name: string, action: (event: { data: string }) => void): void {
    this.heard[name] = action;
  }
  close(): void {}
  tell(name: string, data: unknown): void {
    this.heard[name]!({ data: JSON.stringify(data) });
  }
}

async function connect() {
  browse();
  const here = { status: 200, jobs: [] as object[] };
  vi.stubGlobal("EventSource", Source);
  vi.stubGlobal("fetch", async (url: string) => new Response(JSON.stringify(url === "/api/jobs" ? here.jobs : {}), { status: here.status }));
  const { server } = await import("../src/lib/server.svelte.ts");
  server.connect();
  return { here, server };
}

it("all is asked for anew when the person has logged in elsewhere, or the server has come back", async () => {
  const { server, here } = await connect();
  here.status = 401;
  Source.last.onerror();
  await vi.waitFor(() => expect(server.loggedOut).toBe(true));
  here.status = 200;
  await vi.advanceTimersByTimeAsync(1000);
  Source.last.tell("hello", { boot: "one" });
  expect([server.loggedOut, server.watch("notes")]).toEqual([false, 1]);
  Source.last.onerror();
  await vi.advanceTimersByTimeAsync(1000);
  Source.last.tell("hello", { boot: "one" });
  expect(server.watch("notes")).toBe(2);
});

it("nothing is asked for twice where the first connection holds", async () => {
  const { server } = await connect();
  Source.last.tell("hello", { boot: "one" });
  expect(server.watch("notes")).toBe(0);
});

it("what is told of a job while the list of them is on its way is newer", async () => {
  const { server, here } = await connect();
  here.jobs = [{ id: "j1", state: "running" }, { id: "j0", state: "done" }];
  Source.last.tell("hello", { boot: "one" });
  Source.last.tell("job", { id: "j1", state: "done" });
  await vi.waitFor(() => expect(server.jobs.map(({ id, state }) => [id, state])).toEqual([["j1", "done"], ["j0", "done"]]));
  server.begun({ id: "j1", state: "running" } as never);
  server.begun({ id: "j2", state: "waiting" } as never);
  expect(server.jobs.map(({ id, state }) => [id, state])).toEqual([["j2", "waiting"], ["j1", "done"], ["j0", "done"]]);
});

it("a job that is asked to stop is shown so at once, until it has ended, or where the server will not", async () => {
  const { server, here } = await connect();
  const job = { id: "j1", state: "running", ended_at: "", stopping: false } as never;
  const asking = server.stop(job);
  expect(server.isStopping(job)).toBe(true);
  await asking;
  expect(server.isStopping(job)).toBe(true); // what is told of it may be older
  expect(server.isStopping({ ...(job as object), state: "stopped", ended_at: "2026-01-01T00:00:00Z" } as never)).toBe(false);
  const other = { id: "j2", state: "running", ended_at: "", stopping: false } as never;
  expect([server.isStopping(other), server.isStopping({ ...(other as object), stopping: true } as never), server.isStopping(undefined)]).toEqual([false, true, false]);
  here.status = 422;
  await expect(server.stop(other)).rejects.toThrow();
  expect(server.isStopping(other)).toBe(false);
});

it("a tab that is not seen lets its connection go after a while, unless something waits to be sent, and asks for all anew when it is seen", async () => {
  const { server } = await connect();
  const { outbox } = await import("../src/lib/outbox.svelte.ts");
  const closed = vi.spyOn(Source.prototype, "close");
  const page = { hidden: false, addEventListener: (_: string, action: () => void) => (page.turn = action), turn: () => {} };
  vi.stubGlobal("document", page);
  vi.stubGlobal("addEventListener", () => {});
  const hide = (hidden: boolean) => {
    page.hidden = hidden;
    page.turn();
  };
  server.start();
  Source.last.tell("hello", { boot: "one" });
  const first = Source.last;
  closed.mockClear();
  hide(true);
  await vi.advanceTimersByTimeAsync(5_000);
  hide(false); // looked away for a moment
  await vi.advanceTimersByTimeAsync(60_000);
  expect([closed.mock.calls.length, Source.last]).toEqual([0, first]);
  outbox.waiting = [{ url: "/api/comments", body: {} }];
  hide(true);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(closed).not.toHaveBeenCalled();
  outbox.waiting = [];
  await vi.advanceTimersByTimeAsync(30_000);
  expect([closed.mock.calls.length, server.lost]).toEqual([1, false]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([Source.last, server.watch("notes")]).toEqual([first, 0]);
  hide(false);
  expect(Source.last).not.toBe(first);
  Source.last.tell("hello", { boot: "one" });
  expect(server.watch("notes")).toBe(1);
  Source.last.onerror();
  hide(true);
  await vi.advanceTimersByTimeAsync(30_000); // it does not go on trying either
  const last = Source.last;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Source.last).toBe(last);
});

it("a server that is away is asked again, less and less often, and at once when somebody looks, the network is back or wants it so", async () => {
  const { server } = await connect();
  const heard: Record<string, () => void> = {};
  vi.stubGlobal("document", { hidden: false, addEventListener: () => {} });
  vi.stubGlobal("addEventListener", (name: string, action: () => void) => void (heard[name] = action));
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("gone")));
  server.start();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 12; attempt++) {
    const failed = Source.last;
    failed.onerror();
    let waited = 0;
    for (; Source.last === failed; waited += 100) await vi.advanceTimersByTimeAsync(100);
    waits.push(waited);
  }
  expect(waits.every((wait, at) => wait >= (waits[at - 1] ?? 400))).toBe(true);
  expect([waits[0], waits.at(-1)]).toEqual([500, 15_000]);
  expect(server.lost).toBe(true); // though it was never there
  for (const ask of [() => heard["focus"]!(), () => heard["online"]!(), () => server.retry()]) {
    const failed = Source.last;
    failed.onerror();
    ask();
    expect(Source.last).not.toBe(failed);
  }
  const asked = Source.last;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Source.last).toBe(asked); // which is being answered
  const again = server.again();
  Source.last.tell("hello", { boot: "one" });
  expect([server.lost, server.connected, server.again()]).toEqual([false, true, again + 1]);
});

it("a connection that seems to stand is tried when somebody looks", async () => {
  const { server } = await connect();
  Source.last.tell("hello", { boot: "one" });
  const first = Source.last;
  await server.look();
  expect([server.connected, Source.last]).toEqual([true, first]);
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("gone")));
  await server.look();
  expect(server.lost).toBe(true);
  await vi.advanceTimersByTimeAsync(500);
  expect(Source.last).not.toBe(first);
});

it("what was said of a server that was away goes when it is back, and nothing else", async () => {
  await connect();
  const { notices } = await import("../src/lib/notices.svelte.ts");
  const { ApiError, Unreachable } = await import("../src/lib/api.ts");
  notices.wrong(new Unreachable());
  notices.wrong(new ApiError(0, { message: "The training failed.", hint: "", problems: [] }));
  Source.last.onerror();
  Source.last.tell("hello", { boot: "one" });
  expect(notices.all.map((notice) => notice.text)).toEqual(["The training failed."]);
});
