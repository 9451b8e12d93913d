"""What stands beside the words of a highlight: what it may rest on, and that a change of it alone is noticed."""

from __future__ import annotations

import pytest

from notewright.library import Library
from notewright.pairing import pair
from notewright.records import Highlight, Source
from notewright.vault.given import Given
from notewright.vault.notes import parse_note

TITLE = "The Slow River Handbook"


def fill(library: Library, text: str, *highlights: Highlight) -> None:
    source = Source(title=TITLE, outside_ids=("readwise:1",), highlights=highlights)
    library.sources.upsert([source], origin="api", complete=True)
    parsed = parse_note(f"{TITLE}.md", text.encode())
    library.notes.sync([(parsed.note, parsed.passages)])
    pair(library)


def marked(number: int, *, tags: tuple[str, ...] = (), chapter: str = "", is_discard: bool = False) -> Highlight:
    texts = ("A single fallen alder can hold back much gravel.", "Promise only what gravity has already agreed to.")
    return Highlight(
        text=texts[number], position=number, outside_ids=(f"readwise:{number}",), tags=tags, chapter=chapter, is_discard=is_discard
    )


def linked(library: Library) -> set[str]:
    return {link.highlight_id for item in library.pairs.all() for link in item.links}


def test_a_highlight_that_was_discarded_since_is_proposed_no_longer(library: Library) -> None:
    note = f"# {TITLE}\n\n## Holz\nWarum ich Bäume jetzt liegen lasse, wo sie gefallen sind.\n"
    fill(library, note, marked(0, chapter="Holz"), marked(1, chapter="Holz"))
    assert linked(library) == {"readwise:0", "readwise:1"}
    fill(library, note, marked(0, chapter="Holz", is_discard=True), marked(1, chapter="Holz"))
    assert linked(library) == {"readwise:1"}


def test_a_number_in_a_tag_is_no_figure_of_the_highlight(library: Library) -> None:
    fill(library, f"# {TITLE}\n\nIm Jahr 2023 habe ich darüber lange nachgedacht.\n", marked(0, tags=("2023",)), marked(1))
    assert not library.pairs.all()


def test_a_figure_is_looked_for_in_the_highlights_that_may_have_it_only(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    counts = Given.counts
    monkeypatch.setattr(Given, "counts", lambda self, number, behind="": bool(asked.append(number)) or counts(self, number, behind))
    highlights = [
        Highlight(text=f"In that winter {1100 + number} tonnes came down.", position=number, outside_ids=(f"readwise:{number}",))
        for number in range(60)
    ]
    sections = "".join(f"## T{number}\nIm Winter kamen {1100 + number} Tonnen herab.\n\n" for number in range(60))
    fill(library, f"# {TITLE}\n\n{sections}", *highlights)
    assert {(item.headings[-1], *(link.highlight_id for link in item.links)) for item in library.pairs.all()} == {
        (f"T{number}", f"readwise:{number}") for number in range(60)
    }
    assert len(asked) <= 2 * 60
