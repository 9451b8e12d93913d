"""Tokens -> Markdown in which everything that is Obsidian's own, or opaque, is a placeholder.

What is left is plain CommonMark: quotes, lists, headings, tables, emphasis. So the block structure can be read by a CommonMark parser,
which can never disagree with the tokens about what is code, math, a comment or a link, because it does not see them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .tokens import Token, tokenize_inline
from .views import text_of, unquoted

# Inline placeholders stand for [[...]], $...$, ==, so they have to be punctuation in the rules of emphasis: two very rare brackets. For
# blocks they are of private use. The note's own such characters are shown as U+FFFD.
INLINE = ("\u2e5b", "\u2e5c")
BLOCK = ("\ue002", "\ue003")
PLACEHOLDER = re.compile("[\u2e5b\ue002](\\d+)[\u2e5c\ue003]")
_OWN = re.compile("[\u2e5b\u2e5c\ue002\ue003\x00]")
_BLOCKS = frozenset(("fence", "indented_code", "html_block"))
_GONE = frozenset(("bom", "properties", "comment", "html_comment", "block_id", "link_definition"))
_LITERAL = frozenset(
    ("text", "quote", "indent", "list_marker", "heading", "heading_end", "heading_underline", "thematic_break", "table_pipe")
    + ("table_delimiter", "emphasis", "strike", "escape", "footnote_reference", "footnote_definition")
)
_BEFORE_CONTENT = frozenset(("newline", "quote", "indent", "list_marker"))


@dataclass(slots=True)
class Composed:
    """`starts` and `ends` are the byte offsets in the note of each line of `text`."""

    text: str = ""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


def compose(data: bytes, tokens: Sequence[Token], hold: Callable[[bytes, Token, bool], int]) -> Composed:
    """`hold` keeps the HTML of a token of these bytes, as a block of its own or not, and returns its number for the placeholder."""
    out: list[str] = []
    starts, ends = [tokens[0].start if tokens else 0], []
    line: list[str] = []
    defined: set[str] = set()
    titled = lazy = False
    before = "newline"
    for index, token in enumerate(tokens):
        kind = token.kind
        if kind == "newline":
            was_titled = titled
            if titled:
                # The title becomes a paragraph of its own.
                out.append("\n" + _blank(line))
                ends.append(token.start)
                starts.append(token.start)
                titled = False
            out.append("\n")
            ends.append(token.start)
            starts.append(token.end)
            below = tokens[index + 1] if index + 1 < len(tokens) else token
            lazy = was_titled and below.depth == token.depth and below.kind not in ("quote", "newline")
            if lazy:
                out.append(_blank(line))  # text below a title that stands in the callout without `>`
            line = []
        elif kind in _GONE or (kind == "indent" and index and (tokens[index - 1].kind == "task" or lazy)):
            pass
        elif kind in _LITERAL:
            text = _OWN.sub("\ufffd", text_of(data, token))
            if kind == "footnote_definition":
                if text in defined:
                    text = f"[^\ufffd{index}]:"  # Obsidian shows the first, the parser the last
                defined.add(text)
            if kind == "text":
                text = text.replace("^[", "\\^[")  # it begins no footnote, and the parser would search long for its end
            out.append(text)
            if before in _BEFORE_CONTENT and kind in _BEFORE_CONTENT:
                line.append(text)
        elif kind in _BLOCKS or (kind == "math_block" and before in _BEFORE_CONTENT and _ends_line(tokens, index)):
            lead = ""
            if kind == "indented_code":
                text = text_of(data, token).expandtabs(4)
                lead = " " * (len(text) - len(text.lstrip(" ")) - 4)
            out.append(f"{lead}{BLOCK[0]}{hold(data, token, True)}{BLOCK[1]}")
        elif kind == "footnote_inline":
            inner = unquoted(text_of(data, token), token.depth)[2:-1].replace("\n", " ").encode()
            out.append(f"^[{compose(inner, tokenize_inline(inner), hold).text}]")
        else:
            titled = titled or kind == "callout"
            out.append(f"{INLINE[0]}{hold(data, token, False)}{INLINE[1]}")
        before = kind if kind in _BEFORE_CONTENT else "content"
    ends.append(tokens[-1].end if tokens else 0)
    return Composed("".join(out), starts, ends)


def _ends_line(tokens: Sequence[Token], index: int) -> bool:
    return index + 1 == len(tokens) or tokens[index + 1].kind == "newline"


def _blank(line: Sequence[str]) -> str:
    """The prefix of a blank line in the same containers: quote marks stay, list markers become spaces."""
    return "".join(part if ">" in part else " " * len(part) for part in line)
