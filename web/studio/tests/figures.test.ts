import { expect, test } from "vitest";
import { duration, ending, heldOut, inWords } from "../src/pages/models/figures.ts";

const evaluation = { mean: 0.71234, interval: [0.65, 0.78], copied: 0.9, items: 1, split: "valid", examples: true };

test.each([
  [{ evaluation }, "0.712 (0.650 to 0.780), 1 passage of valid, with examples"],
  [{ evaluation: { ...evaluation, split: "test", items: 9, examples: false } }, "0.712 (0.650 to 0.780), 9 passages"],
  [{ edit_distance: 0.5 }, "0.500"],
  [{ evaluation: { ...evaluation, interval: [null, 1], items: null } }, "0.712, with examples"],
  [{ loss: 2 }, ""],
  [{ evaluation: { mean: "0.5" } }, ""],
])("%j reads %s", (metrics, words) => {
  expect(inWords(heldOut([{ id: "model-1", metrics, distances: { without_examples: null, with_examples: null } }])[0])).toBe(words);
});

test.each([
  [{ evaluation }, { with_examples: 0.71234, without_examples: 0.8 }, "0.712 (0.650 to 0.780), 1 passage of valid, with examples; 0.800 without examples"],
  [{ edit_distance: 0.5 }, { with_examples: 0.6, without_examples: 0.5 }, "0.500; 0.600 with examples"],
  [{ edit_distance: 0.5 }, { with_examples: 0.5, without_examples: 0.7 }, "0.500, with examples; 0.700 without examples"],
])("both ways to prompt are told: %j", (metrics, distances, words) => {
  expect(inWords(heldOut([{ id: "model-1", metrics, distances }])[0])).toBe(words);
});

test.each([[0.2, "1 s"], [89, "89 s"], [229.6, "4 min"], [5399, "1 h 30 min"], [7200, "2 h 0 min"]])("%d seconds are %s", (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});

test.each([
  [{ steps: 55, kept_step: 33 }, 65, "over after step 55 of 65; the state of step 33 is kept"],
  [{ steps: 65, kept_step: 65 }, 65, "over after 65 steps"],
  [{ steps: 9, kept_step: 0 }, null, "over after 9 steps; the state before it is kept"],
  [{ steps: 9 }, 9, "over after 9 steps"],
  [{}, 9, ""],
])("a training with %j of %s steps is %s", (metrics, planned, words) => {
  expect(ending({ event: "finished", metrics }, planned)).toBe(words);
  expect(ending({ event: "step", metrics }, planned)).toBe("");
});
