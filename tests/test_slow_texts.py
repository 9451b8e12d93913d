"""Texts on which a pattern that looks back and forth would take minutes: all are read in moments."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from notewright import vault
from notewright.importers.clippings import read_clippings
from notewright.importers.markdown_marks import cut_tail
from notewright.importers.reading import Document
from notewright.pairing import keys
from notewright.pairing.matching import image_names
from notewright.pairing.words import title_places
from notewright.provenance import provenance
from notewright.records import Highlight
from notewright.text import normalise
from notewright.vault.notes import parse_note

SIZE = 100_000
MOST = 10.0  # seconds of the processor's time
READ: dict[str, tuple[Callable[[str], object], str]] = {
    "blank lines": (normalise, "\n"),
    "blank lines with tabs": (normalise, "\n\t"),
    "links without an end": (normalise, "[a]("),
    "links with titles without an end": (normalise, '[a](b "'),
    "pictures without an end": (lambda text: provenance(text, [Highlight("Hello world, a sentence here.")]), "![[a"),
    "pictures without an end, to be named": (image_names, "![["),
    "pictures by address without an end, to be named": (image_names, "![a]("),
    "a long line behind brackets that open": (lambda text: title_places(f"[[{text}"), "中"),
    "comments at a highlight's end": (lambda text: cut_tail(text.removeprefix("x ").removesuffix(" z!")), "%%"),
    "links, ids and comments by turns at a highlight's end": (
        lambda text: cut_tail(text.removesuffix(" z!")),
        " ([View Highlight](https://readwise.io/open/123456)) %%c%% ^123456",
    ),
    "a link with dashes for words": (lambda text: cut_tail(f"So [{text.removeprefix('x ')}](https://video.example/?t=1)"), "-"),
    "a link with brackets for words": (lambda text: cut_tail(f"So [{text.removeprefix('x ')}](https://video.example/?t=1)"), "( "),
    "a note of headings": (lambda text: vault.trace("quite other words that stood here", text.encode(), headings=["h"]), "\n# h\n"),
    "brackets that open": (lambda text: vault.place(text.encode(), "more"), "["),
    "a title of spaces": (keys.undecorated, " "),
    "a title of tabs": (keys.main_title, "\t"),
    "numbers that end sentences": (lambda text: provenance(text, [Highlight("Hello world, a sentence here.")]), "1. "),
    "a Kindle date of spaces": (
        lambda text: read_clippings(Document("c.txt", f"T (A)\n- Your Highlight on page 1 | Added on {text}\n\nt\n==========\n".encode())),
        " ",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_no_text_takes_long(name: str) -> None:
    read, piece = READ[name]
    text = "x " + piece * (SIZE // len(piece)) + " z!"
    start = time.process_time()
    read(text)
    assert time.process_time() - start < MOST


def test_a_list_nested_without_end_takes_no_time() -> None:
    data = "".join("\t" * depth + f"- item {depth}\n" for depth in range(2000)).encode()
    start = time.process_time()
    parsed = parse_note("Deep.md", data)
    assert time.process_time() - start < MOST / 2
    assert "".join(passage.text for passage in parsed.passages).count("- item") == 2000


def test_comments_at_the_end_go_and_others_stay() -> None:
    assert cut_tail("Words %%a%% more %%b%% %%c%%\n").text == "Words %%a%% more"
    assert cut_tail("100%% sure%%").text == "100"
    assert cut_tail("%%a%b%%").text == "%%a%b%%"
