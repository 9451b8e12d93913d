import { expect, it } from "vitest";
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
