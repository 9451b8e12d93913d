"""Bytes of a note -> flat tokens whose spans join up to exactly those bytes, whatever they are.

    tokens = tokenize(data)
    b"".join(data[token.start : token.end] for token in tokens) == data      # always

A construct is one token, even where it runs over several lines (a fence, a comment, a math block): inside a quote or callout the `>` of
its later lines are then part of its bytes. What has text of its own that is Markdown again (headings, callout titles, table cells,
emphasis) is not one token: its marks are, and the text between them is tokenized like any other. `views` reads the parts of a single
token: the segments of an embed, the target of a link, the language of a fence.
"""

from __future__ import annotations

from dataclasses import dataclass

from .blocks import BlockReader
from .inline import InlineScanner

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


def tokenize(data: bytes) -> tuple[Token, ...]:
    """The tokens of a whole note. Any bytes are accepted: what is not UTF-8 is text. Linear in the length."""
    return tuple(BlockReader(data, Token).read())


def tokenize_inline(data: bytes) -> tuple[Token, ...]:
    """The tokens of a piece that is known to be inline: a title, a caption, a cell."""
    out: list[Token] = []
    InlineScanner(data, Token).scan(out, 0, len(data), 0)
    return tuple(out)
