import { expect, it, vi } from "vitest";
import { press, reject, tie, unplace } from "../src/lib/ranking.ts";
import { browse } from "./browser.ts";

const ids = ["d1", "d2", "d3"];
const batch = { id: "b1", source_id: "s", chapter: "", model_id: "m", drafts: ids.map((id, written) => ({ id, text: id, model_id: "m", sampling: { written }, highlight_ids: [] })) } as never;

/** What the server makes of judgements: `feedback.judged`. */
class Library {
  order: string[][] = [];
  rejected: string[] = [];
  twice = 0;

  take(url: string, body: { order: string[][]; rejected: string[]; decision?: string; draft_id: string }): void {
    if (url.endsWith("/ranking")) [this.order, this.rejected] = [body.order, [...body.rejected]];
    else if (body.decision === "reject_all") [this.order, this.rejected] = [[], [...ids]];
    else if (this.rejected.includes(body.draft_id)) this.twice++;
    else {
      this.order = this.order.map((group) => group.filter((id) => id !== body.draft_id)).filter((group) => group.length);
      this.rejected = [...this.rejected, body.draft_id];
    }
  }
}

function random(seed: number): () => number {
  let state = seed;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
}

it("what stands on the page when it is left stands there when it is opened again", async () => {
  const here = browse();
  const { Session } = await import("../src/pages/draft/session.svelte.ts");
  const { outbox } = await import("../src/lib/outbox.svelte.ts");
  for (let seed = 0; seed < 300; seed++) {
    here.local.clear();
    const [library, next] = [new Library(), random(seed)];
    let away = false;
    vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
      if (away) throw new TypeError("gone");
      library.take(url, JSON.parse(init.body as string));
      return new Response("{}");
    });
    const open = () => {
      const session = new Session();
      session.open(batch, true, library);
      return session;
    };
    const seen = ({ ranking }: InstanceType<typeof Session>) => ({ order: ranking.order, rejected: [...ranking.rejected].sort() });
    let session = open();
    for (let step = 0; step < 30; step++) {
      const [what, id] = [next(), ids[Math.floor(next() * 3)]!];
      if (what < 0.35) session.rank(press(session.ranking, id));
      else if (what < 0.5) session.rank(reject(session.ranking, id));
      else if (what < 0.55) session.rank(tie(session.ranking));
      else if (what < 0.65) session.rank(unplace(session.ranking));
      else if (what < 0.75) await vi.advanceTimersByTimeAsync(1000);
      else if (what < 0.85) await session.save();
      else if (what < 0.86) {
        if (session.restore()) expect(seen(session), `seed ${seed}, step ${step}`).toEqual({ order: library.order, rejected: [...library.rejected].sort() });
      }
      else if (what < 0.88) away = !away;
      else {
        const left = seen(session);
        await session.leave();
        away = false;
        while (outbox.waiting.length) await outbox.flush();
        await vi.advanceTimersByTimeAsync(10);
        session = open();
        expect(seen(session), `seed ${seed}, step ${step}`).toEqual(left);
      }
    }
    expect(library.twice, `seed ${seed}: rejected twice`).toBe(0);
    away = false;
    session.clear();
    while (outbox.waiting.length) await outbox.flush();
    await vi.advanceTimersByTimeAsync(5000);
  }
});

async function writing() {
  browse();
  const { Session } = await import("../src/pages/draft/session.svelte.ts");
  const { notices } = await import("../src/lib/notices.svelte.ts");
  let server!: ReadableStreamDefaultController<Uint8Array>;
  vi.stubGlobal("fetch", async () => new Response(new ReadableStream<Uint8Array>({ start: (made) => void (server = made) })));
  const session = new Session();
  const done = session.generate({ source: "s", n: 3 }, true);
  await vi.waitFor(() => expect(server).toBeDefined());
  server.enqueue(new TextEncoder().encode("event: started\ndata: {}\n\n"));
  await vi.waitFor(() => expect(session.state).toBe("writing"));
  return { session, server, done, notices };
}

it("a card that is dragged while it is written takes no other away", async () => {
  const { session } = await writing();
  const keys = () => session.candidates.map(({ key }) => key);
  const before = keys();
  session.move("", null);
  expect(keys()).toEqual(before);
});

it("a server that is killed while it writes is told as that", async () => {
  const { session, server, done, notices } = await writing();
  server.error(new TypeError("network error"));
  expect([await done, session.state]).toEqual(["", "idle"]);
  expect(notices.all.map(({ text }) => text)).toEqual(["The server stopped while it was writing."]);
});

it("a tab that is left over night is not a night of judging", async () => {
  browse();
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const { Session } = await import("../src/pages/draft/session.svelte.ts");
  const session = new Session();
  now = 5_000;
  session.open(batch, true);
  now = 35_000;
  session.attend();
  now += 10 * 3_600_000;
  session.attend();
  now += 20_000;
  expect(session.seconds()).toBe(30 + 120 + 20);
  session.open(batch, true);
  now += 7_000;
  expect(session.seconds()).toBe(7);
  vi.restoreAllMocks();
});
