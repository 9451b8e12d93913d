import { setTooltip } from "obsidian";
import { unitsIn } from "../core/provenance";
import type { Highlight, Span } from "../core/types";

const BLOCKS = "p, li, h1, h2, h3, h4, h5, h6, td, th, .callout-title";

/** Lets every block of a shown draft tell, under the pointer, the highlights that it rests on. */
export function showProvenance(shown: HTMLElement, draft: string, spans: readonly Span[], highlights: ReadonlyMap<string, Highlight>): void {
  const blocks = Array.from(shown.querySelectorAll<HTMLElement>(BLOCKS)).filter((block) => !block.querySelector(":scope > p"));
  const units = unitsIn(blocks.map(ownText), draft, spans);
  blocks.forEach((block, index) => {
    const inside = units[index] ?? [];
    if (!inside.length) return;
    const ids = new Set(inside.flatMap((span) => span.rests.map((rest) => rest.highlight_id)));
    const told = [...ids].flatMap((id) => highlights.get(id) ?? []).map(quoted);
    block.toggleClass("notewright-rests", told.length > 0);
    block.toggleClass("notewright-own", !told.length && inside.some((span) => span.kind !== "heading"));
    if (told.length) setTooltip(block, told.join("\n\n"), { placement: "left", delay: 300 });
    else if (block.hasClass("notewright-own")) setTooltip(block, "No highlight says this.", { placement: "left", delay: 300 });
  });
}

function quoted(highlight: Highlight): string {
  return `“${highlight.text}”${highlight.location_label ? ` (${highlight.location_label})` : ""}`;
}

/** What stands in the block itself, not in lists inside of it. */
function ownText(block: HTMLElement): string {
  return Array.from(block.childNodes)
    .filter((node) => !["UL", "OL"].includes(node.nodeName))
    .map((node) => node.textContent ?? "")
    .join(" ");
}
