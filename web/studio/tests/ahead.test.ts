import { expect, it, vi } from "vitest";
import { browse } from "./browser.ts";

it.each(["One", ""])("the next chapter, %j, is prepared by its name, so that the rule about highlights holds", async (chapter) => {
  browse();
  const wishes: unknown[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    if (url === "/api/drafts") wishes.push(JSON.parse(init.body as string));
    return Response.json({ chapters: [{ source_id: "s", chapter, highlight_ids: ["h1", "h2"] }], batches: [], id: "b1" });
  });
  const { prepareNext } = await import("../src/pages/draft/ahead.ts");
  await prepareNext("s", "Other", 2);
  expect(wishes).toEqual([{ source: "s", chapter, n: 2, ahead: true, stream: false }]);
});
