import { expect, it } from "vitest";
import { newest } from "../src/lib/newest.ts";

function asked() {
  const taken: string[] = [];
  const told = newest<string>((answer) => taken.push(answer));
  const ends: { answer: (words: string) => void; fail: (error: Error) => void }[] = [];
  const ask = (signal?: AbortSignal) => told(new Promise<string>((answer, fail) => ends.push({ answer, fail })), signal);
  return { taken, ends, ask };
}

it("an answer that comes after that to a later asking says nothing; one that comes before it does", async () => {
  const { taken, ends, ask } = asked();
  const all = [ask(), ask(), ask()];
  ends[0]!.answer("first");
  await all[0];
  ends[2]!.answer("third");
  await all[2];
  ends[1]!.answer("second");
  await all[1];
  expect(taken).toEqual(["first", "third"]);
});

it("a failure counts only where nothing later was answered", async () => {
  const { taken, ends, ask } = asked();
  const all = [ask(), ask(), ask()];
  ends[1]!.answer("second");
  await all[1];
  ends[0]!.fail(new Error("old"));
  await all[0];
  ends[2]!.fail(new Error("new"));
  await expect(all[2]).rejects.toThrow("new");
  expect(taken).toEqual(["second"]);
});

it("nothing is taken of what nobody looks at any more", async () => {
  const { taken, ends, ask } = asked();
  const over = new AbortController();
  const asking = ask(over.signal);
  over.abort();
  ends[0]!.answer("late");
  await asking;
  expect(taken).toEqual([]);
});
