"""Lines that stop inside a clause of what they quote."""

from __future__ import annotations

import pytest

from notewright.records import Highlight
from notewright.vault.cuts import cut_quotations
from notewright.vault.rows import read_rows
from notewright.vault.tokens import tokenize

SAID = "Where two layers of a system look alike, that is a red flag for the whole design; look again."


def cuts(text: str, *highlights: str) -> list[str]:
    data = text.encode()
    return [words for _, words in cut_quotations(read_rows(data, tokenize(data)), [Highlight(item) for item in highlights or (SAID,)])]


@pytest.mark.parametrize("line", [
    "- Where two layers of a system look alike, that is a red",
    "- **Layers.** Where two layers of a system look alike, that is a red (p. 12) #design",
    "> Where two *layers* of a system look alike, that is a red",
    "*Where two layers of a system look alike, that is a red*",
    "1. Where two layers of a system look alike, that is a red [[Layers]]",
])  # fmt: skip
def test_a_line_that_stops_inside_a_clause_is_told(line: str) -> None:
    assert len(cuts(f"{line}\n\n---")) == 1
    assert cuts(f"## A\n\n{line}")[0] in line


@pytest.mark.parametrize("line", [
    "- Where two layers of a system look alike, that is a red flag for the whole design",  # a clause ends there
    "- Where two layers of a system look alike, that is a red flag",  # what follows can be left out
    "- Where two layers of a system look alike, that is a red…",
    "- They say \"Where two layers of a system look alike, that is a red\"",
    "> Where two layers of a system look alike, that is a red\n> flag for the whole design",
    "## Where two layers of a system look alike, that is a red",
    "- Of two layers that look alike they say it is a red",  # not word for word
    "- two layers of a system look alike",  # too short to be meant as a quotation
    "| Where two layers of a system look alike, that is a red | b |",
])  # fmt: skip
def test_a_line_that_ends_as_people_end_theirs_is_not(line: str) -> None:
    assert cuts(line) == []


def test_an_ending_that_another_highlight_has_is_none_of_a_cut() -> None:
    assert (
        cuts("- Where two layers of a system look alike, that is a red", SAID, "Where two layers of a system look alike, that is a red")
        == []
    )
    assert (
        cuts("二つの層が似ているときは設計を見直す必要があると言われて", "二つの層が似ているときは設計を見直す必要があると言われています。")
        == []
    )
