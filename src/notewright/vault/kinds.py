"""The kinds of tokens, and what a token is."""

from __future__ import annotations

from dataclasses import dataclass

KINDS: dict[str, str] = {
    "bom": "the UTF-8 byte order mark",
    "properties": "the YAML block at the top, both --- lines in it",
    "newline": "LF, CRLF or CR",
    "indent": "spaces and tabs before a line's content, or a line of nothing else",
    "quote": "the > marks of a line and the space after; level: how many there are",
    "callout": "[!type|metadata]+ at the start of a quote; its title is the rest of the line",
    "list_marker": "-, +, *, 1. or 1) and the space after; level: the column where the item's text begins",
    "task": "[ ], [x] or any other single character in brackets, after a list marker",
    "heading": "the # marks and the space after; level 1-6; its title is the rest of the line",
    "heading_end": "a closing run of # with the space before it",
    "heading_underline": "=== or --- under a paragraph, which makes that a heading; level 1 or 2",
    "thematic_break": "---, *** or ___",
    "fence": "fenced code with its fences; level 1 when it is closed, 0 when it runs to the end",
    "indented_code": "code by four spaces",
    "html_block": "lines of HTML up to a blank line or the closing tag",
    "table_pipe": "a | between cells, with the spaces around it",
    "table_delimiter": "the |---|:-:| row",
    "math_block": "$$...$$, on one line or several",
    "math": "$...$",
    "code": "`...`",
    "comment": "%%...%%, inline or over many lines",
    "html_comment": "<!-- ... -->",
    "html": "one HTML tag",
    "wikilink": "[[target#part|text]]",
    "embed": "![[target#part|segment|segment]]",
    "embed_tail": "| center | 600 after an embed: pipes that stand outside the brackets, which Obsidian shows as text",
    "link": "[text](target 'title')",
    "image": "![text|size](target 'title')",
    "reference": "[text][label] or [label], where the note defines that label",
    "link_definition": "[label]: target, the whole line",
    "autolink": "<https://...> or <name@host>",
    "url": "a bare URL",
    "tag": "#tag/nested",
    "block_id": "^id at the end of a line",
    "footnote_reference": "[^1]",
    "footnote_definition": "[^1]: at the start of a line; its text follows",
    "footnote_inline": "^[text]",
    "field": "[key:: value] or (key:: value)",
    "field_key": "key:: at the start of a line; its value follows",
    "templater": "<% ... %>",
    "template": "{{title}}, {{date:FORMAT}} and the like",
    "emphasis": "a run of * or _ that opens (level 1), closes (2) or can do both (3)",
    "highlight": "== that opens (1), closes (2) or can do both (3)",
    "strike": "~~ that opens (1), closes (2) or can do both (3)",
    "escape": "a backslash and the character it protects",
    "text": "everything else",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`start` and `end` are byte offsets, `depth` is how many quotes (callouts) the line stands in, `level` is told by KINDS."""

    kind: str
    start: int
    end: int
    depth: int = 0
    level: int = 0
