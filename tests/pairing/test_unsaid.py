"""Passages in which the person says nothing, and passages that only look like them."""

from __future__ import annotations

import pytest

from notewright.library import Library
from notewright.pairing import pair
from notewright.pairing.unsaid import is_copied_out, is_link_list
from notewright.pairing.words import match_words, title_places
from notewright.records import Highlight, Passage, Source
from notewright.vault.notes import parse_note

QUOTES = (
    "A beaver fells some two hundred trees a year and eats the bark of nearly all of them.",
    "The pond behind the dam keeps water in the valley when the river above has long run dry.",
    "Nobody has ever taught a beaver to build, and no two dams are alike.",
)
LINKED = [
    f"{words} ([Location {place}](https://readwise.io/to_kindle?action=open&asin=B0&location={place}))"
    for place, words in enumerate(QUOTES, 7)
]
KINDLE = [
    f"{words} — location: [{place}](kindle://book?action=open&asin=B0&location={place}) ^ref-{place}"
    for place, words in enumerate(QUOTES, 7)
]
HYPOTHESIS = [
    f"* {words} — [Updated on 2024-01-01](https://hyp.is/{place}/x.example)  — Group: #Water" for place, words in enumerate(QUOTES, 7)
]


def passage(text: str, *headings: str) -> Passage:
    return Passage(id="p", note_id="n", note_path="n.md", start=0, end=len(text), text=text, headings=headings)


@pytest.mark.parametrize(
    ("heading", "text", "copied"),
    [
        ("Highlights", "## Highlights\n- " + "\n- ".join(LINKED), True),
        ("Highlights", "- " + "\n  - Note: mine\n  - **Tags:** x\n- ".join(LINKED), True),
        ("Highlights", "\n\n---\n\n".join(KINDLE), True),
        ("Highlights", "\n\n".join(HYPOTHESIS), True),
        ("New highlights added June 8, 2022 at 12:52 PM", "\n\n".join(f"> {words}" for words in LINKED), True),
        (
            "Highlights",
            "> " + QUOTES[0] + "\n> " + QUOTES[1] + "\n> ([View Highlight](https://read.readwise.io/read/1))\n\n" + LINKED[0],
            True,
        ),
        ("Highlights", "\n\n---\n\n".join(KINDLE).replace(" trees", " trees\n\n"), True),  # of more than one paragraph
        ("Highlights", "\n\n".join(HYPOTHESIS).replace(" dam", "\n\ndam"), True),
        ("Highlights", "\n\n".join(f"{words}\n\nSo I thought." for words in HYPOTHESIS), False),
        ("Highlights", "So I read.\n\n" + "\n\n".join(HYPOTHESIS), False),
        ("Dams", "- " + "\n- ".join(LINKED), False),  # under a heading of the person's own
        ("Highlights", "- " + "\n- ".join(QUOTES), False),
        ("Highlights", "\n\n".join(f"{words}\n\nSo I thought." for words in LINKED), False),
        ("Highlights", "- " + LINKED[0] + "\n  * Annotation: mine", True),
        ("Highlights", "- One [book](https://shop.example/1)\n- Two [book](https://shop.example/2)", False),
    ],
)
def test_what_an_exporter_copied_out(heading: str, text: str, copied: bool) -> None:
    assert is_copied_out(passage(text, "Beavers", heading)) == copied


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("- [[Beavers]]\n- [[Dams that Last]]\n- [[Ponds]]", True),
        (
            "* *Ann* in [Notes/Dams](../Notes/Dams.md), [Notes/Ponds and Lakes](../Notes/Ponds%20and%20Lakes.md)\n"
            "* *Bo* in [Notes/Rain on a tin roof](../Notes/Rain%20on%20a%20tin%20roof.md)",
            True,
        ),
        (
            "# What I keep here for later\n- **A**\n  - [Ponds (old)](Water/Ponds%20(old).md)\n"
            "  - [Rain on a tin roof](Rain%20on%20a%20tin%20roof.md)\n  - [Dams](Dams.md)",
            True,
        ),
        ("- [[Beavers]] fell two hundred trees a year\n- [[Dams]] are never alike\n- [[Ponds]] keep the water", False),
        ("- [[Ponds|they keep water in the valley]]\n- [[Dams|no two dams are alike]]\n- [[Bark|beavers eat it]]", False),
        ("- [Nobody taught a beaver to build](Beavers.md)\n- [No two are alike](Dams.md)\n- [They keep water](Ponds.md)", False),
        ("- [Beavers](https://x.example/Beavers)\n- [Dams](https://x.example/Dams)\n- [Ponds](https://x.example/Ponds)", False),
        ("[[Beavers]] and [[Dams]]", False),
    ],
)
def test_lists_of_links_to_notes(text: str, listed: bool) -> None:
    assert is_link_list(passage(text)) == listed


def test_titles_in_markdown_links_to_notes_are_titles() -> None:
    text = "see [No two dams are alike](Water/No%20two%20dams.md) and [no two dams are alike](https://x.example/a.md)"
    places = title_places(text)
    assert [match_words(text)[at] for at in sorted(places)] == ["no", "two", "dams", "are", "alike"]


def test_neither_is_paired_and_the_rest_of_the_note_is(library: Library) -> None:
    highlights = tuple(Highlight(text=words, location=place, location_type="location") for place, words in enumerate(QUOTES, 7))
    library.sources.upsert(
        [Source(title="Beavers", asin="B000000000", outside_ids=("file:R/Beavers.md",), highlights=highlights)], origin="csv", complete=True
    )
    kindle = "\n\n---\n\n".join(KINDLE).replace("asin=B0", "asin=B000000000")
    notes = {
        "Beavers.md": f"# Beavers\n\nOn dams: {QUOTES[2]}\n\n## Highlights\n\n{kindle}\n",
        "Index.md": f"# Index\n- [[Beavers]]\n- [[{QUOTES[0][:-1]}]]\n- [[Ponds]]\n",
    }
    parsed = [parse_note(path, text.encode()) for path, text in notes.items()]
    library.notes.sync([(item.note, item.passages) for item in parsed])
    pair(library)
    (found,) = library.pairs.all()
    assert (found.note_path, found.headings) == ("Beavers.md", ("Beavers",))
