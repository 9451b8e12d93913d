import { describe, expect, it, vi } from "vitest";
import { setApart } from "../src/lib/apart.ts";
import { browse, store } from "./browser.ts";

/** The browser's locks, which all its tabs share. */
function locks() {
  const held = new Set<string>();
  return {
    held,
    request: async (name: string, { signal }: { signal: AbortSignal }, action: () => Promise<unknown>) => {
      if (held.has(name)) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      held.add(name);
      return action();
    },
  };
}

/** What all tabs hear, where there are no locks; `open` are those that listen. */
function channels() {
  const open = new Set<{ name: string; onmessage: ((event: { data: unknown }) => void) | null }>();
  class Channel {
    onmessage: ((event: { data: unknown }) => void) | null = null;
    constructor(readonly name: string) {
      open.add(this);
    }
    postMessage(data: unknown): void {
      for (const other of open) if (other !== this && other.name === this.name) queueMicrotask(() => other.onmessage?.({ data }));
    }
    close(): void {
      open.delete(this);
    }
  }
  return { open, Channel };
}

async function tab(shared: ReturnType<typeof locks> | undefined, session: Storage) {
  const here = browse();
  vi.stubGlobal("sessionStorage", session);
  vi.stubGlobal("navigator", { locks: shared });
  const { outbox } = await import("../src/lib/outbox.svelte.ts");
  return { ...here, outbox };
}

describe("what waits to be sent", () => {
  it.each([["where the browser has locks", true], ["where it has none", false]])("is left to the tab in which it was said, also where that was duplicated, %s", async (_, has) => {
    const [shared, first] = [has ? locks() : undefined, store()];
    const { open, Channel } = channels();
    vi.stubGlobal("BroadcastChannel", Channel);
    const one = await tab(shared, first);
    one.answers.push(0, 0);
    void one.outbox.send("/api/comments", { text: "once" });
    await vi.waitFor(() => expect(one.asked.length).toBe(1));
    const copy = store();
    for (const [name, value] of first.all) copy.setItem(name, value);
    const two = await tab(shared, copy);
    await two.outbox.flush();
    expect([two.asked, two.outbox.waiting]).toEqual([[], []]);
    void two.outbox.send("/api/comments", { text: "its own" });
    await vi.waitFor(() => expect(two.asked.map(({ body }) => body)).toEqual([{ text: "its own" }]));
    shared?.held.clear(); // the first one is loaded anew
    open.clear();
    const again = await tab(shared, first);
    const sent = again.outbox.flush();
    await vi.advanceTimersByTimeAsync(500);
    await sent;
    expect(again.asked.map(({ body }) => body)).toEqual([{ text: "once" }]);
  });

  it("is sent where the browser has no locks", async () => {
    vi.stubGlobal("BroadcastChannel", channels().Channel);
    const session = store();
    session.setItem("notewright:outbox", JSON.stringify([{ url: "/api/comments", body: {} }]));
    const { outbox, asked } = await tab(undefined, session);
    await outbox.flush();
    expect(asked.length).toBe(1);
  });
});

it("ids and links of a rendered text are its own", () => {
  const element = (id: string, href: string | null) => {
    const attributes: Record<string, string | null> = { href };
    return { id, attributes, getAttribute: (name: string) => attributes[name], setAttribute: (name: string, value: string) => void (attributes[name] = value) };
  };
  const [mark, note, page] = [element("fn1", null), element("fnref1", "#fn1"), element("", "https://example.org/#x")];
  setApart({ querySelectorAll: (wanted: string) => (wanted === "[id]" ? [mark, note] : [note, page]) } as never, "text-7-");
  expect([mark.id, note.id, note.attributes["href"]]).toEqual(["text-7-fn1", "text-7-fnref1", "#text-7-fn1"]);
  expect(page.attributes).toEqual({ href: "https://example.org/#x", target: "_blank" });
});
