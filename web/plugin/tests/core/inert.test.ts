import { describe, expect, it } from "vitest";
import { inert } from "../../src/core/inert";

const SIGN = "\u200b";
const bare = (text: string): string => text.replaceAll(SIGN, "");

describe("what is shown of a draft", () => {
  it("names no language by which a plugin would run a block, whatever it stands in", () => {
    const fences = ["```dataviewjs", "~~~dataviewjs", "````  dataviewjs x", "> ```dataviewjs", "> > ~~~js-engine", "- ```query", "1. ```tasks", "\t```button", "[^1]: ```meta-bind", "> - 2) ```base", "```js\u2028x", "```python {run}"];
    for (const fence of fences) expect(inert(`${fence}\ndv.run()\n`)).toBe(`${fence.replace(/([`~]{3,}).*/s, "$1")}\ndv.run()\n`);
    expect(inert("a\r```tasks\r\n~~~query")).toBe("a\r```\r\n~~~");
  });
  it("colours code and draws diagrams, but for those with pictures", () => {
    for (const fence of ["```python\nx\n```", "> ~~~c++\n> x\n> ~~~", "```mermaid\ngraph TD; A-->B\n```"]) expect(inert(fence)).toBe(fence);
    expect(inert('```mermaid\nA@{ img: "https://x.org/a.png" }\n```')).toMatch(/^```\n/);
  });
  it("closes the fences that it opened", () => {
    expect(inert("````md\n```js\nx\n```\n````\nafter")).toBe("````md\n```js\nx\n```\n````\nafter");
  });
  it("begins no inline code with what a query begins with", () => {
    for (const code of ["`= this.file`", "`$= dv.run()`", "`` $= dv.run() ``", "`\n$= dv.run() `", "`` ` ``"]) {
      expect(inert(code)).toContain(`\`${SIGN}`);
      expect(inert(code)).not.toMatch(/`\s*[$=]/);
    }
    expect(inert("``` $= a ``` b")).toBe(`\`\`\`${SIGN} $= a \`\`\`${SIGN} b`);
  });
  it("asks for no picture; links, links to notes and embeds of the vault stay", () => {
    for (const picture of ["![](https://x.org/a.png)", "![alt][ref]", "[![a](https://x.org/a.png)](https://x.org)", "![^1]"]) expect(inert(picture)).not.toMatch(/!\[/);
    for (const link of ["[a](https://x.org)", "[[Note|a]]", "![[a.png|300]]", "> [!note] Title", "https://x.org/?a=1", "<https://x.org>", "<a@x.org>"]) expect(inert(link)).toBe(link);
  });
  it("holds no HTML but tags that only set text", () => {
    const tags = ["<img src=https://x.org/a>", "<IMG\nsrc=x>", "<iframe src=x>", "</div>", "<style>", "<svg onload=x>", "<b onclick=x>", "<%* tp.x %>", "<?php", "<!DOCTYPE x>", "<br src=x>", "<a href=x>"];
    for (const tag of tags) expect(inert(`a ${tag} b`)).toMatch(new RegExp(`<${SIGN}`));
    for (const tag of ["<b>wide</b>", "<br/>", "<sup>2</sup>", "<MARK>x</mark>", "<!-- a remark -->", "3 < 4", "a <- b"]) expect(inert(tag)).toBe(tag);
  });
  it("reads as the draft does", () => {
    const draft = "## A\n\n- **b** `c` and $d_1$ ==e== <i>f</i>\n\n```\nx < y && ![z](a)\n```\n\n| a | b |\n| - | - |\n| `1` | 2 |\n";
    expect(bare(inert(draft))).toBe(draft);
  });
});
