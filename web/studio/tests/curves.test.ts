import { expect, it } from "vitest";
import { curves } from "../src/pages/models/curves.ts";

it("draws what a training told, each step once, the later telling counting", () => {
  const events = [
    { event: "plan", run: "run-1" },
    { event: "step", step: 1, loss: 3, reward: -0.5 },
    { event: "step", step: 2, loss: 2.5, reward: NaN },
    { event: "trial", step: 9, loss: 9 },
    { event: "step", step: 2, loss: 2, reward: 0.25 },
    { event: "check", at_step: 2, distance: 0.7 },
  ];
  expect(curves(events)).toEqual([
    { name: "Loss", points: [{ step: 1, value: 3 }, { step: 2, value: 2 }] },
    { name: "Reward", points: [{ step: 1, value: -0.5 }, { step: 2, value: 0.25 }] },
    { name: "Distance of its held-out drafts", points: [{ step: 2, value: 0.7 }] },
  ]);
  expect(curves([])).toEqual([]);
});
