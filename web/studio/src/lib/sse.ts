/** Server-sent events out of a fetched body: EventSource can only GET, and drafts are asked for with POST. */
export interface Told {
  event: string;
  data: unknown;
}

/** Splits a growing text into whole events; the rest waits for more. */
export class Parser {
  private rest = "";

  push(text: string): Told[] {
    this.rest += text;
    const parts = this.rest.split("\n\n");
    this.rest = parts.pop() ?? "";
    return parts.flatMap((part) => {
      const lines = part.split("\n");
      const event = lines.find((line) => line.startsWith("event: "))?.slice(7) ?? "message";
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
      return data.length ? [{ event, data: JSON.parse(data.join("\n")) as unknown }] : [];
    });
  }
}

export async function* told(body: ReadableStream<Uint8Array>): AsyncGenerator<Told> {
  const parser = new Parser();
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined })); // cut off: the server has gone
    if (done || value === undefined) return;
    yield* parser.push(value);
  }
}
