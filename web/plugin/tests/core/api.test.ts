import { describe, expect, it } from "vitest";
import { Api, ApiError, isFinal, type Sending, type Transport } from "../../src/core/api";

const BATCH = { id: "batch-1", source_id: "s", chapter: "", model_id: "m", drafts: [] };

function server(answers: Record<string, [number, unknown]>, stream?: string): { api: Api; sent: Sending[] } {
  const sent: Sending[] = [];
  const transport: Transport = {
    send: (request) => {
      sent.push(request);
      const found = answers[`${request.method} ${new URL(request.url).pathname}`];
      if (!found) return Promise.reject(new Error("refused"));
      return Promise.resolve({ status: found[0], text: typeof found[1] === "string" ? found[1] : JSON.stringify(found[1]) });
    },
    fetch: (request) => {
      sent.push(request);
      return stream === undefined ? Promise.reject(new TypeError("blocked")) : Promise.resolve(new Response(stream));
    },
  };
  return { api: new Api(() => "http://127.0.0.1:8765/", () => "secret", transport), sent };
}

const health = (api = 1): [number, unknown] => [200, { name: "notewright", version: "0.1.0", api, boot: "b" }];

describe("the client", () => {
  it("says what to do where the connection breaks while drafts are written", async () => {
    const body = new ReadableStream({ start: (stream) => (stream.enqueue(new TextEncoder().encode("event: text\n")), stream.error(new TypeError("network error"))) });
    const transport: Transport = { send: () => Promise.reject(new Error("refused")), fetch: () => Promise.resolve(new Response(body)) };
    const asked = new Api(() => "http://127.0.0.1:8765", () => "", transport).draft({ source: "s", n: 2 }, {}, new AbortController().signal);
    await expect(asked).rejects.toMatchObject({ message: "The server stopped answering while it was writing.", hint: "Try again." });
  });
  it("sends the token and joins address and path", async () => {
    const { api, sent } = server({ "GET /api/chips": [200, ["too long"]] });
    expect(await api.chips()).toEqual(["too long"]);
    expect(sent[0]).toMatchObject({ url: "http://127.0.0.1:8765/api/chips", headers: { Authorization: "Bearer secret" } });
  });
  it("says a judgement whose answer was lost as it said it first, and anything else anew", async () => {
    const answers: Record<string, [number, unknown]> = {};
    const { api, sent } = server(answers);
    const path = "POST /api/decisions";
    const reject = (draft: string, seconds: number, status = 0): Promise<unknown> => {
      if (status) answers[path] = [status, {}];
      else delete answers[path];
      return api.reject(draft, { seconds }).catch(() => null);
    };
    await reject("a", 1);
    await reject("a", 2);
    await reject("a", 3, 200);
    await reject("a", 4, 200); // on purpose: undone in between
    await reject("a", 5);
    await reject("b", 6);
    await reject("a", 7, 422);
    await reject("a", 8);
    const keys = sent.map(({ headers }) => headers["Idempotency-Key"]);
    expect(keys.map((key) => keys.indexOf(key))).toEqual([0, 0, 0, 3, 4, 5, 6, 7]);
    expect(sent.map(({ body }) => (JSON.parse(body ?? "") as { seconds: number }).seconds)).toEqual([1, 1, 1, 4, 5, 6, 7, 8]);
    expect(keys[0]).toMatch(/^[0-9a-f]{24}$/);
  });
  it.each([
    ["nobody there", {}, "No notewright server answers at http://127.0.0.1:8765/.", "notewright serve"],
    ["another program", { "GET /api/health": [200, "<html>"] as [number, unknown] }, "is not notewright", "address"],
    ["an older server", { "GET /api/health": health(0) }, "version 0, this plugin version 1", "Update the server"],
    ["a newer server", { "GET /api/health": health(2) }, "version 2, this plugin version 1", "Update the plugin"],
    [
      "a wrong token",
      { "GET /api/health": health(), "GET /api/status": [401, { message: "Please log in.", hint: "Open the link." }] as [number, unknown] },
      "Please log in.",
      "Open the link.",
    ],
    ["a proxy's page", { "GET /api/health": [502, "<html>bad gateway</html>"] as [number, unknown] }, "an error (502)", "serve"],
  ])("says what to do: %s", async (_, answers, message, hint) => {
    const error = await server(answers).api.check().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).message).toContain(message);
    expect((error as ApiError).hint).toContain(hint);
  });
  it("tells growing texts and returns the batch", async () => {
    const told: unknown[] = [];
    const stream =
      'event: queued\ndata: {"position": 1}\n\nevent: started\ndata: {"model_id": "m"}\n\n' +
      'event: text\ndata: {"candidate": 0, "text": "ab", "replace": false}\n\nevent: text\ndata: {"candidate": 0, "text": "c", "replace": false}\n\n' +
      `event: text\ndata: {"candidate": 0, "text": "z", "replace": true}\n\nevent: done\ndata: ${JSON.stringify(BATCH)}\n\n`;
    const { api } = server({}, stream);
    const batch = await api.draft(
      { source: "s", n: 1 },
      { queued: (n) => told.push(n), started: (m) => told.push(m), text: (c, t) => told.push([c, t]) },
      new AbortController().signal,
    );
    expect(batch).toEqual(BATCH);
    expect(told).toEqual([1, "m", [0, "ab"], [0, "abc"], [0, "z"]]);
  });
  it("asks for the whole batch where streaming is blocked", async () => {
    const { api, sent } = server({ "POST /api/drafts": [200, BATCH] });
    expect(await api.draft({ source: "s", n: 2 }, {}, new AbortController().signal)).toEqual(BATCH);
    expect(JSON.parse(sent[1]?.body ?? "")).toMatchObject({ stream: false, n: 2 });
  });
  it("passes on an error told in the stream, and a stream that breaks off", async () => {
    const failing = server({}, 'event: error\ndata: {"status": 404, "message": "No such source.", "hint": "Look."}\n\n').api;
    await expect(failing.draft({ source: "s", n: 1 }, {}, new AbortController().signal)).rejects.toThrow("No such source.");
    const broken = server({}, 'event: started\ndata: {"model_id": "m"}\n\n').api;
    await expect(broken.draft({ source: "s", n: 1 }, {}, new AbortController().signal)).rejects.toThrow("stopped answering");
  });
});

describe("a refusal", () => {
  it.each([
    [0, false],
    [401, false],
    [404, true],
    [422, true],
    [423, false],
    [424, false],
    [429, false],
    [500, false],
  ])("with status %i is final: %s", (status, final) => {
    expect(isFinal(new ApiError(status, "no"), Date.now())).toBe(final);
  });
  it("of a note that may not be saved yet is final only after a while", () => {
    expect(isFinal(new ApiError(409, "no"), Date.now())).toBe(false);
    expect(isFinal(new ApiError(409, "no"), Date.now() - 3_600_000)).toBe(true);
  });
});
