import { expect, it, vi } from "vitest";
import { browse } from "./browser.ts";

async function part() {
  browse();
  const [{ Answer }, { notices }] = [await import("../src/lib/answer.svelte.ts"), await import("../src/lib/notices.svelte.ts")];
  const here = { fails: true };
  const answer = new Answer(() => (here.fails ? Promise.reject(new Error("no")) : Promise.resolve("told")));
  return { answer, here, notices };
}

it("says why there is none until there is one, and is known in both cases", async () => {
  const { answer, here, notices } = await part();
  expect(answer.known).toBe(false);
  await answer.ask();
  expect([answer.known, answer.value, String(answer.failure), answer.asking]).toEqual([true, null, "Error: no", false]);
  here.fails = false;
  await answer.ask();
  expect([answer.known, answer.value, answer.failure, notices.all.length]).toEqual([true, "told", null, 0]);
});

it("keeps what it has when that cannot be read anew, and tells it in a message", async () => {
  const { answer, here, notices } = await part();
  here.fails = false;
  await answer.ask();
  here.fails = true;
  await answer.ask();
  expect([answer.value, answer.failure, notices.all.map(({ text }) => text)]).toEqual(["told", null, ["Error: no"]]);
});

it("is known as not there yet when nothing comes for long, until it comes", async () => {
  browse();
  vi.useFakeTimers();
  const { Answer, PATIENT } = await import("../src/lib/answer.svelte.ts");
  const asked: ((told: string) => void)[] = [];
  const answer = new Answer(() => new Promise<string>((resolve) => asked.push(resolve)));
  const first = answer.ask();
  vi.advanceTimersByTime(PATIENT - 1);
  expect([answer.known, answer.asking]).toEqual([false, true]);
  vi.advanceTimersByTime(1);
  expect([answer.known, answer.asking, String(answer.failure)]).toEqual([true, false, "Error: The server has not answered yet."]);
  asked[0]!("told");
  await first;
  expect([answer.value, answer.failure]).toEqual(["told", null]);
  vi.useRealTimers();
});

it("says nothing of what it was about before", async () => {
  browse();
  const { Answer } = await import("../src/lib/answer.svelte.ts");
  const asked: { resolve: (told: string) => void; reject: (error: Error) => void }[] = [];
  const taken: string[] = [];
  const answer = new Answer(() => new Promise<string>((resolve, reject) => asked.push({ resolve, reject })), (told) => void taken.push(told));
  const before = [answer.ask(), answer.ask()];
  answer.forget();
  asked[0]!.resolve("of another");
  asked[1]!.reject(new Error("of another"));
  await Promise.all(before);
  expect([answer.known, taken]).toEqual([false, []]);
});
