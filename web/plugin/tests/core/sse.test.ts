import { describe, expect, it } from "vitest";
import { EventParser } from "../../src/core/sse";

const STREAM = 'event: started\ndata: {"model_id":"m"}\n\n: a comment\n\nevent: text\ndata: one\ndata: two\n\ndata:bare\n\n';

describe("server-sent events", () => {
  it("come out whole however the bytes were cut", () => {
    const whole = new EventParser().push(STREAM);
    expect(whole).toEqual([
      { event: "started", data: '{"model_id":"m"}' },
      { event: "text", data: "one\ntwo" },
      { event: "message", data: "bare" },
    ]);
    for (let size = 1; size < STREAM.length; size += 3) {
      const parser = new EventParser();
      const found = [];
      for (let at = 0; at < STREAM.length; at += size) found.push(...parser.push(STREAM.slice(at, at + size)));
      expect(found).toEqual(whole);
    }
  });
  it("end with carriage returns too", () => {
    expect(new EventParser().push("event: a\r\ndata: b\r\n\r\n")).toEqual([{ event: "a", data: "b" }]);
  });
});
