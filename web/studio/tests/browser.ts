/** What modules need of a browser: storage that can be looked into, and a server that answers as it is told. */
import { vi } from "vitest";

export const store = (): Storage & { all: Map<string, string> } => {
  const all = new Map<string, string>();
  return {
    all, clear: () => all.clear(), key: () => null, getItem: (name) => all.get(name) ?? null, removeItem: (name) => void all.delete(name),
    setItem: (name, value) => void all.set(name, value), get length() { return all.size; },
  };
};

/** Fresh modules in a fresh browser. `asked` are the URLs, bodies and headers; `answers` the statuses to come, then 200 for ever. */
export function browse(kept: Record<string, unknown> = {}) {
  vi.resetModules();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const [local, session] = [store(), store()];
  for (const [name, value] of Object.entries(kept)) local.setItem(`notewright:${name}`, JSON.stringify(value));
  vi.stubGlobal("localStorage", local);
  vi.stubGlobal("sessionStorage", session);
  const asked: { url: string; body: unknown; headers: Headers }[] = [];
  const answers: number[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push({ url, body: JSON.parse((init.body as string | undefined) ?? "null"), headers: new Headers(init.headers) });
    const status = answers.shift() ?? 200;
    return status === 0 ? Promise.reject(new TypeError("gone")) : new Response(JSON.stringify({ message: `No: ${status}`, hint: "", problems: [], batches: [] }), { status });
  });
  const read = (name: string): unknown => JSON.parse(local.getItem(`notewright:${name}`) ?? "null");
  return { asked, answers, local, session, read };
}
