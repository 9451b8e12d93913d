import { describe, expect, it } from "vitest";
import { unitsIn } from "../../src/core/provenance";
import type { Span } from "../../src/core/types";

const DRAFT = "## Rivers\n\n- **Slow.** Rivers are [slow](https://x.org/a) in [[Plains|the plains]].\n- [ ] Rivers are old. ![[a.png|300]]\n\n> [!quote] Heard\n> Rivers are <b>wide</b>.\n";

function spans(...texts: string[]): Span[] {
  return texts.map((text) => ({ start: DRAFT.indexOf(text), end: DRAFT.indexOf(text) + text.length, kind: "bullet", rests: [] }));
}

describe("units in what was rendered", () => {
  const given = spans("## Rivers", "**Slow.**", "Rivers are [slow](https://x.org/a) in [[Plains|the plains]].", "Rivers are old.", "![[a.png|300]]", "Rivers are <b>wide</b>.");
  const blocks = ["Rivers", "Slow. Rivers are slow in the plains.", "Rivers are old.", "Heard", "Rivers are wide."];
  it("are found by their words, in order, whatever Markdown hid", () => {
    expect(unitsIn(blocks, DRAFT, given).map((units) => units.map((unit) => given.indexOf(unit)))).toEqual([[0], [1, 2], [3], [], [5]]);
  });
  it("never match a part of a word", () => {
    expect(unitsIn(["Slowly"], "Slow", [{ start: 0, end: 4, kind: "sentence", rests: [] }])).toEqual([[]]);
  });
});
