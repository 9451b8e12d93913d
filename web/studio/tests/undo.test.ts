import { expect, it, vi } from "vitest";
import { browse } from "./browser.ts";

it.each([
  ["the last deed is of the page", [{ undone: true, event: { id: 3, kind: "ranking" } }, { undone: false, event: { id: 2, kind: "rule" } }], true],
  ["it is of another one", [{ undone: false, event: { id: 3, kind: "ranking" } }, { undone: false, event: { id: 2, kind: "rule" } }], false],
  ["there is none", [], null],
])("what is undone where %s", async (_, history, expected) => {
  browse();
  const posted: string[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    if (init.method === "POST") posted.push(init.body as string);
    return new Response(JSON.stringify(url.startsWith("/api/history") ? history : {}));
  });
  const { undoLast } = await import("../src/lib/undo.ts");
  expect(await undoLast("belief", "rule")).toBe(expected);
  expect(posted).toEqual(expected ? ['{"expected":2}'] : []);
});
