import { describe, expect, it } from "vitest";
import { passageAt } from "../../src/core/passage";

const NOTE = "# River\n\nSlow water.\n\n- One\n- Two\n\nSlow water.\n";
const passages = ["Slow water.", "- One\n- Two", "Slow water."].map((text, number) => ({ text, number }));
const at = (place: number, note = NOTE): number | undefined => passageAt(note, place, passages)?.number;

describe("the passage under the cursor", () => {
  it("is the one that the cursor stands in, both ends included", () => {
    expect([at(NOTE.indexOf("Slow")), at(NOTE.indexOf("Slow") + 11), at(NOTE.indexOf("Two"))]).toEqual([0, 0, 1]);
  });
  it("is the second of two that read alike where the cursor is there", () => {
    expect(at(NOTE.lastIndexOf("water"))).toBe(2);
  });
  it("is none between passages, or where the words are others by now", () => {
    expect(at(3)).toBeUndefined();
    const newer = NOTE.replace("- One", "- First");
    expect(at(newer.indexOf("First"), newer)).toBeUndefined();
    expect(at(newer.lastIndexOf("water"), newer)).toBe(2);
  });
  it("does not mind how lines end in the file", () => {
    expect(passageAt(NOTE, NOTE.indexOf("Two"), [{ text: "- One\r\n- Two" }])).not.toBeNull();
  });
});
