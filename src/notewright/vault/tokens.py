"""Bytes of a note -> flat tokens whose spans join up to exactly those bytes, whatever they are.

    tokens = tokenize(data)
    b"".join(data[token.start : token.end] for token in tokens) == data      # always

A construct is one token, even where it runs over several lines (a fence, a comment, a math block): inside a quote or callout the `>` of
its later lines are then part of its bytes. What has text of its own that is Markdown again (headings, callout titles, table cells,
emphasis) is not one token: its marks are, and the text between them is tokenized like any other. `views` reads the parts of a single
token: the segments of an embed, the target of a link, the language of a fence.
"""

from __future__ import annotations

from .blocks import BlockReader
from .inline import InlineScanner
from .kinds import KINDS, Token

__all__ = ["KINDS", "Token", "tokenize", "tokenize_inline"]


def tokenize(data: bytes) -> tuple[Token, ...]:
    """The tokens of a whole note. Any bytes are accepted: what is not UTF-8 is text. Linear in the length."""
    return tuple(BlockReader(data).read())


def tokenize_inline(data: bytes) -> tuple[Token, ...]:
    """The tokens of a piece that is known to be inline: a title, a caption, a cell."""
    out: list[Token] = []
    InlineScanner(data).scan(out, 0, len(data), 0)
    return tuple(out)
