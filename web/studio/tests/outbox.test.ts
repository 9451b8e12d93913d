import { describe, expect, it, vi } from "vitest";
import { browse } from "./browser.ts";

async function open() {
  const here = browse();
  const { outbox } = await import("../src/lib/outbox.svelte.ts");
  const { notices } = await import("../src/lib/notices.svelte.ts");
  const told: Record<string, boolean> = {};
  const send = (url: string, about = "") => void outbox.send(url, { url }, about).then((taken) => (told[url] = taken));
  return { ...here, outbox, notices, told, send, sent: () => here.asked.map(({ url }) => url) };
}

describe("what is sent", () => {
  it.each([401, 423, 424, 500, 503])("is kept while the answer is %d, and sent again", async (status) => {
    const { outbox, notices, answers, told, send, session, sent } = await open();
    answers.push(status, status);
    send("/a");
    await outbox.flush();
    expect([outbox.held, told, session.all.has("notewright:outbox")]).toEqual([true, {}, true]);
    expect(notices.all.map(({ text }) => text)).toEqual([`No: ${status}`]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([outbox.held, told, session.all.has("notewright:outbox"), sent()]).toEqual([false, { "/a": true }, false, ["/a", "/a", "/a"]]);
    expect(notices.all.length).toBeLessThan(2);
  });

  it("has one key however often it is sent, also after a reload, and no other letter's", async () => {
    const { outbox, answers, send, asked, session } = await open();
    answers.push(0, 0);
    send("/a");
    await outbox.flush();
    send("/a");
    await outbox.flush();
    const [kept] = JSON.parse(session.all.get("notewright:outbox") ?? "[]") as { key: string }[];
    await vi.advanceTimersByTimeAsync(60_000);
    const keys = asked.map(({ headers }) => headers.get("idempotency-key"));
    expect(keys).toEqual([kept?.key, kept?.key, kept?.key, expect.stringMatching(/^[0-9a-f]{24}$/)]);
    expect(new Set(keys).size).toBe(2);
  });

  it("keeps its order while the library is busy, and goes round what only the server itself cannot take", async () => {
    const busy = await open();
    busy.answers.push(423);
    busy.send("/a");
    busy.send("/b");
    await busy.outbox.flush();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(busy.sent()).toEqual(["/a", "/a", "/b"]);
    const broken = await open();
    broken.answers.push(500);
    broken.send("/a");
    broken.send("/b");
    await broken.outbox.flush();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(broken.sent()).toEqual(["/a", "/b", "/a"]);
  });

  it("is told to be refused where it is for good, and those after it go on", async () => {
    const { outbox, answers, told, send } = await open();
    answers.push(422);
    send("/a");
    send("/b");
    await outbox.flush();
    expect([told, outbox.waiting, outbox.held]).toEqual([{ "/a": false, "/b": true }, [], false]);
  });

  it("waits for a server that is away, and takes the place of what waits about the same", async () => {
    const { outbox, answers, told, send, sent } = await open();
    answers.push(0);
    send("/first", "order");
    await outbox.flush();
    expect([outbox.waiting.length, outbox.held]).toEqual([1, false]);
    answers.push(0);
    send("/second", "order");
    await outbox.flush();
    expect([told, outbox.waiting.map(({ url }) => url)]).toEqual([{ "/first": false }, ["/second"]]);
    await outbox.flush();
    expect([told["/second"], sent()]).toEqual([true, ["/first", "/second", "/second"]]);
  });
});
