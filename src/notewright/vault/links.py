"""Where a note leads: the target of every link, embed and address in it, as the tokens have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .tokens import Token, tokenize_inline
from .views import read_markdown_link, read_wikilink, text_of

_HUGO = re.compile(r"\{\{[<%]\s*(?:rel)?ref\s+[\"']?([^\"'\s>%]+)")
# What holds text of its own in which links may stand, and how many characters of its marks go before that text.
_HOLDERS = {"field": 1, "footnote_inline": 2, "comment": 2, "html_comment": 4, "properties": 0, "reference": 1}
_IN_HTML = ("url", "link", "image")  # Obsidian shows no Markdown there, but the addresses are the note's all the same


def targets(data: bytes, tokens: Iterable[Token]) -> Iterator[tuple[str, str]]:
    """(Kind, target as written with its fragment), in the note's order; kinds are wikilink, embed, link, image, url and template.

    Code and math lead nowhere. What stands in the text of a link comes before the link's own target.
    """
    for token in tokens:
        kind = token.kind
        if kind == "text":
            continue
        if kind in ("wikilink", "embed"):
            link = read_wikilink(text_of(data, token))
            yield kind, f"{link.target}#{link.part}" if link.part else link.target
        elif kind in ("link", "image"):
            shown = read_markdown_link(text_of(data, token))
            yield from _within(shown.text)
            if shown.target:
                yield kind, shown.target
        elif kind == "url":
            yield kind, text_of(data, token)
        elif kind == "autolink":
            address = text_of(data, token)[1:-1]
            if "://" in address:
                yield "url", address
        elif kind == "template":
            yield from ((kind, found) for found in _HUGO.findall(text_of(data, token)))
        elif kind == "link_definition":
            yield from _within(text_of(data, token).partition("]:")[2])
        elif kind in _HOLDERS:
            yield from _within(text_of(data, token)[_HOLDERS[kind] :].replace("<!--", " "))  # a comment holds no other one
        elif kind in ("html", "html_block"):
            yield from _within(text_of(data, token).replace("<", " "), only=_IN_HTML)


def _within(text: str, *, only: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    data = text.encode("utf-8", errors="replace")
    return targets(data, (token for token in tokenize_inline(data) if not only or token.kind in only))
