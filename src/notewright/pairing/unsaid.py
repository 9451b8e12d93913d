"""Passages in which the person says nothing: lists of sources, lists of links to notes, and what an exporter copied out."""

from __future__ import annotations

import re
from urllib.parse import unquote

from ..records import Passage
from .keys import link_name, title_key
from .words import LONGEST, match_words

_LINK_SECTION = re.compile(
    r"(?:my |the )?(?:sources?|references?|(?:external |related )?links?|bibliography|further reading|see also|related(?: notes)?"
    r"|citations?|works cited|metadata|read more|backlinks)"
)
_LINK = re.compile(r"\[\[[^\[\]|\n]+\]\]|(?<!!)\[(?P<label>[^\[\]\n]+)\]\((?P<target>(?!\w+:)[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)\)")
_LINKED = 0.6  # share of the words below a heading that stand in links; what is left is a few words between them
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t].*$", re.MULTILINE)
_HIGHLIGHTS = re.compile(
    r"(?:my |kindle |book |article |readwise )?highlights?(?: (?:and )?notes?)?|new highlights added .*|highlights first synced .*"
)
_MARK = re.compile(
    r"\[\(?(?:View (?:Highlight|Tweet)|Open in (?:Readwise|Reader|Kindle)|(?:Location|Loc\.|Page|Time)[ \u00a0][\d:]+)\)?\]\((?:https?|kindle)://"
    r"|\]\((?:https?://hyp\.is/|kindle://|https?://(?:www\.)?readwise\.io/(?:open|to_kindle)|https?://read\.readwise\.io/)"
    r"|\^(?:ref-|rw(?:hi)?)\d+[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_MARKED = 0.9  # share of the blocks of a passage
_BULLET = re.compile(r"[-*+][ \t]")
_RULE = re.compile(r"[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*")
_EXPORTED_KEY = re.compile(r"\s+[-*+][ \t]+(?:\*\*)?(?:tags?|notes?|annotation|comment)\b", re.IGNORECASE)


def says_nothing(passage: Passage) -> bool:
    """Is nothing of it the person's own writing? Then it may point at sources, but is nothing to learn from."""
    return is_link_section(passage) or is_link_list(passage) or is_copied_out(passage)


def is_link_section(passage: Passage) -> bool:
    """Is this passage a list of sources? Then it points, but says nothing in the person's words."""
    return any(_LINK_SECTION.fullmatch(title_key(heading)) for heading in passage.headings[-1:])


def is_link_list(passage: Passage) -> bool:
    """Are nearly all its words the names of notes that it links to, as in an index or a map of content?"""
    text = _HEADING.sub("", passage.text[:LONGEST])
    if text.count("](") + text.count("[[") < 3:
        return False
    bare = _LINK.sub(lambda found: " " if _is_bare(found) else found[0], text)
    rest, whole = len(match_words(bare)), len(match_words(text))
    return whole > 0 and rest <= (1 - _LINKED) * whole


def _is_bare(found: re.Match[str]) -> bool:
    """Does the link show the name of the note that it opens, and no words of its own?"""
    if found["label"] is None:
        return True
    name = title_key(link_name(unquote(found["target"])))
    return title_key(link_name(found["label"])) == name


def is_copied_out(passage: Passage) -> bool:
    """Is this a list of highlights as an exporter writes it (Readwise's, Kindle's, Hypothesis's), each ending with its link?"""
    text = passage.text
    if not any(_HIGHLIGHTS.fullmatch(title_key(heading)) for heading in passage.headings[-1:]) or not _MARK.search(text):
        return False
    lines = [line for line in text.split("\n") if not _EXPORTED_KEY.match(line) and not _HEADING.match(line)]
    starts = _RULE if any(_RULE.fullmatch(line) for line in lines) else _BULLET if any(map(_BULLET.match, lines)) else None
    blocks: list[list[str]] = []
    fresh = True
    for line in lines:
        if starts.match(line) if starts else fresh and line.strip():
            blocks.append([])
        fresh = not line.strip()
        if not fresh and not _RULE.fullmatch(line):
            if not blocks:
                blocks.append([])
            blocks[-1].append(line)
    last = [block[-1] for block in blocks if block]
    marked = sum(bool(_MARK.search(line)) for line in last)
    return bool(last) and marked >= _MARKED * len(last)
