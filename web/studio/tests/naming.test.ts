import { describe, expect, it } from "vitest";
import { nameOf, nameOfTitle } from "../../api/naming.ts";

describe("a new note's name out of a title", () => {
  it.each([
    ["The Salt Road: A History", "The Salt Road A History"],
    ["Either/Or", "Either Or"], // no folder
    [".NET, at last", "NET, at last"],
    ["Wait for it ...", "Wait for it"], // links and other systems allow neither dots nor spaces at the end
    [`${"a".repeat(118)} . b`, "a".repeat(118)],
    ["What is this?.md", "What is this"],
    ["???", ""],
  ])("%s", (title, name) => expect(nameOfTitle(title)).toBe(name));

  it("is no longer than file systems allow, and of whole characters", () => {
    expect(nameOfTitle("漢".repeat(120))).toBe("漢".repeat(80));
    expect(nameOfTitle(`${"a".repeat(119)}🌿`)).toBe("a".repeat(119));
  });
});

it("what the person types may name folders", () => {
  expect(nameOf("Books/The Salt Road.md")).toBe("Books/The Salt Road");
  expect(nameOf(" /Books/ Moss. ")).toBe("Books/Moss");
});
