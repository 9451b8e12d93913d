import { describe, expect, it, vi } from "vitest";
import { browse } from "./browser.ts";

const drafts = ["d1", "d2"].map((id, written) => ({ id, text: id, model_id: "model-1", sampling: { written }, highlight_ids: [] }));
const batch = { id: "b1", source_id: "s", chapter: "", model_id: "model-1", drafts } as never;
const whole = { order: [["d1"], ["d2"]], rejected: [], tie: false };
const part = { order: [["d1"]], rejected: [], tie: false };

async function open(kept: unknown) {
  const here = browse(kept ? { "ranking:b1": kept } : {});
  const { Session, waitingBatch } = await import("../src/pages/draft/session.svelte.ts");
  const session = new Session();
  session.open(batch, true);
  return { ...here, session, waitingBatch };
}

describe("a ranking that this browser has kept", () => {
  it.each([
    ["that was sent", { ranking: whole, saved: true }, true, 0, true],
    ["whole and not sent", { ranking: whole, saved: false }, false, 1, true],
    ["a part and not sent", { ranking: part, saved: false }, false, 0, false],
    ["whole, of an older page", whole, true, 0, true],
    ["a part, of an older page", part, false, 0, false],
    ["none", null, true, 0, true],
  ])("%s", async (_, kept, saved, sent, later) => {
    const { session, asked } = await open(kept);
    expect(session.saved).toBe(saved);
    await vi.advanceTimersByTimeAsync(1000);
    expect([asked.length, session.saved]).toEqual([sent, later]);
  });
});

describe("what the server knows of a batch", () => {
  const judged = { order: [["d2"], ["d1"]], rejected: [] };
  it.each([
    ["this browser knows nothing", null, judged, judged.order],
    ["this browser knows an older one", { ranking: whole, saved: true }, judged, judged.order],
    ["what was said here is on its way", { ranking: whole, saved: false }, judged, whole.order],
    ["it was taken back elsewhere", { ranking: whole, saved: true }, { order: [], rejected: [] }, []],
  ])("%s", async (_, kept, told, order) => {
    const { session } = await open(kept);
    session.open(batch, true, told);
    expect(session.ranking.order).toEqual(order);
  });
});

it("is kept only when the server has it, and sent once", async () => {
  const { session, answers, asked, read } = await open(null);
  answers.push(423);
  session.rank(whole);
  await vi.advanceTimersByTimeAsync(1000);
  await session.leave();
  expect([session.saved, (read("ranking:b1") as { saved: boolean }).saved]).toEqual([false, false]);
  await vi.advanceTimersByTimeAsync(5000);
  expect([session.saved, (read("ranking:b1") as { saved: boolean }).saved, asked.length]).toEqual([true, true, 2]);
});

it("can be sent again when it was refused", async () => {
  const { session, answers, asked } = await open(null);
  answers.push(422);
  session.rank(whole);
  await session.save();
  expect(session.saved).toBe(false);
  await session.save();
  expect([session.saved, asked.length]).toEqual([true, 2]);
});

it("of another tab is shown, and left to that tab to send", async () => {
  const { session, asked, local } = await open(null);
  local.setItem("notewright:ranking:b1", JSON.stringify({ ranking: whole, saved: false }));
  session.adopt();
  await session.leave();
  await vi.advanceTimersByTimeAsync(1000);
  expect([session.ranking, session.saved, asked.length]).toEqual([whole, false, 0]);
});

it("asks for the waiting batch of just the chapter without a name", async () => {
  const { waitingBatch, asked } = await open(null);
  await waitingBatch("s", "");
  expect(asked[0]!.url).toBe("/api/batches?source_id=s&chapter=&unseen=true&limit=1");
});

it.each([[false, "b1"], [true, undefined]])("of a version that the person went back from does not wait: %s", async (left, shown) => {
  const { waitingBatch } = await open(null);
  const row = { id: "b1", chapter: "", ranked: false, accepted: false, rejected: false, left };
  vi.stubGlobal("fetch", async (url: string) => new Response(JSON.stringify(url.includes("?source_id") ? { batches: [row] } : url.includes("/history") ? [] : batch)));
  expect((await waitingBatch("s", ""))?.id).toBe(shown);
});

it.each([["2026-01-01T10:00:00Z", "b1"], ["2026-01-01T12:00:00Z", undefined]])("from before a rule that was said at %s does not wait", async (at, shown) => {
  const { waitingBatch } = await open(null);
  const row = { id: "b1", chapter: "", ranked: false, accepted: false, rejected: false, left: false, created_at: "2026-01-01T11:00:00Z" };
  const said = [{ undone: false, event: { kind: "rule", at, payload: { action: "add" } } }];
  vi.stubGlobal("fetch", async (url: string) => new Response(JSON.stringify(url.includes("?source_id") ? { batches: [row] } : url.includes("/history") ? said : batch)));
  expect((await waitingBatch("s", ""))?.id).toBe(shown);
});

it("leaves no cards where the writing was stopped", async () => {
  const { session } = await open(null);
  session.state = "writing";
  session.cancel();
  expect([session.candidates, session.state]).toEqual([[], "idle"]);
});

describe("an order that was emptied", () => {
  const judged = { order: [["d2"], ["d1"]], rejected: [] };
  const url = "/api/batches/b1/ranking";
  async function emptied() {
    const here = await open(null);
    here.session.open(batch, true, judged);
    here.session.rank({ order: [], rejected: [], tie: false });
    return here;
  }

  it("is told when the person goes on", async () => {
    const { session, asked, read } = await emptied();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([asked, session.saved, session.counts]).toEqual([[], false, true]);
    expect(read("ranking:b1")).toEqual({ ranking: { order: [], rejected: [], tie: false }, saved: false });
    await session.leave();
    expect(asked.map((one) => [one.url, (one.body as { order: [] }).order])).toEqual([[url, []]]);
    await vi.waitFor(() => expect([session.saved, session.counts, read("ranking:b1")]).toEqual([true, false, null]));
    await session.leave();
    expect(asked.length).toBe(1);
  });

  it("is as it was before where that is undone", async () => {
    const { session, asked } = await emptied();
    expect([session.restore(), session.ranking.order, session.saved]).toEqual([true, judged.order, true]);
    expect(session.restore()).toBe(false);
    await session.leave();
    expect(asked).toEqual([]);
  });

  it("is told by a page that was closed meanwhile and opened again", async () => {
    const { session, asked } = await open({ ranking: { order: [], rejected: [], tie: false }, saved: false });
    session.open(batch, true, judged);
    expect(session.ranking.order).toEqual([]);
    await session.leave();
    expect(asked.map((one) => one.url)).toEqual([url]);
  });

  it("says nothing where nothing was said", async () => {
    const { session, asked, read } = await open(null);
    session.rank(part);
    session.rank({ order: [], rejected: [], tie: false });
    await session.leave();
    expect([asked, session.saved, read("ranking:b1")]).toEqual([[], true, null]);
  });

  it("that was of rejections only is told as one thing", async () => {
    const { session, asked } = await open(null);
    session.open(batch, true, { order: [], rejected: ["d1"] });
    session.rank({ order: [], rejected: [], tie: false });
    await session.leave();
    expect(asked.map((one) => one.url)).toEqual([url]);
  });
});
