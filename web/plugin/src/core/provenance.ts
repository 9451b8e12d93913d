/** Which part of a rendered draft rests on which highlights: the server tells it of the Markdown, the pane shows what that became. */

import type { Span } from "./types";

/** For each block of shown text the units of the draft in it, in order. A unit that was rendered to nothing, or to something else, is left out. */
export function unitsIn(blocks: readonly string[], draft: string, spans: readonly Span[]): Span[][] {
  const shown = blocks.map(words);
  const found: Span[][] = blocks.map(() => []);
  let at = 0;
  for (const span of spans) {
    const wanted = words(asShown(draft.slice(span.start, span.end)));
    if (!wanted.trim()) continue;
    const forward = shown.findIndex((block, index) => index >= at && block.includes(wanted));
    const place = forward >= 0 ? forward : shown.findIndex((block) => block.includes(wanted));
    if (place < 0) continue;
    at = place;
    found[place]?.push(span);
  }
  return found;
}

/** Letters and digits only, a space around every word. */
function words(text: string): string {
  return ` ${(text.normalize("NFKC").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(" ")} `;
}

/** Without what Markdown hides: targets of links, embeds, tags of HTML, comments, a task's or callout's mark. */
function asShown(markdown: string): string {
  return markdown
    .replace(/!\[\[[^\]]*\]\]|!\[[^\]]*\]\([^)]*\)|%%[^]*?%%|<\/?[a-z][^>]*>/gi, " ")
    .replace(/\[\[(?:[^\]|]*\|)?([^\]]*)\]\]/g, "$1")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^[\s>]*(?:[-*+]|\d+[.)])?\s*\[(?:.|![^\]]*)\][-+]?\s/gm, " ");
}
