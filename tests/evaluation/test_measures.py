"""Form, highlights used, words from other notes: each on texts whose answer is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.evaluation.measures import Copied, copied, coverage, structure, structure_distance
from notewright.records import Highlight

NOTE = "## Title\n\n- **One.** Something about [[Rivers]].\n- Two more.\n\n> [!note] Aside\n> Words.\n"


@pytest.mark.parametrize(
    ("other", "low", "high"),
    [
        ("## Other\n\n- **A.** Quite different words, many more of them, on [[Looms]].\n- Also.\n\n> [!NOTE] So\n> Else.\n", 0, 0),
        (NOTE.replace("- Two", "1. Two"), 0.01, 0.2),
        (NOTE.replace("## ", "### "), 0.01, 0.2),
        (NOTE.replace("**", ""), 0.01, 0.3),
        (NOTE.replace("[!note] ", "[!tip] "), 0.01, 0.2),
        ("One paragraph, all words of it the same: Title One. Something about Rivers. Two more. Aside Words.", 0.7, 1),
        ("", 0.9, 1),
    ],
)
def test_structure_is_about_marks_and_not_words(other: str, low: float, high: float) -> None:
    assert low <= structure_distance(other, NOTE) <= high


@given(st.text(alphabet="#-*>[]!\n ab1.`$", max_size=60), st.text(alphabet="#-*>[]!\n ab1.`$", max_size=60))
def test_structure_distance_is_a_distance(left: str, right: str) -> None:
    assert structure_distance(left, left) == 0
    assert 0 <= structure_distance(left, right) == structure_distance(right, left) <= 1
    assert isinstance(structure(left), list)


def highlights(*texts: str) -> list[Highlight]:
    return [Highlight(text, id=f"h{number}") for number, text in enumerate(texts)]


def test_coverage_counts_what_the_person_used() -> None:
    shown = highlights(
        "Bakers of Vienna rolled crescents before sunrise.", "Moss drinks from fog on northern walls.", "Chess clocks tick in pairs."
    )
    passage = "- Moss drinks from fog on northern walls.\n- Bakers rolled crescents before sunrise in Vienna.\n"
    assert coverage(passage, passage, shown) == 1
    assert coverage("- Moss drinks fog on northern walls.", passage, shown) == 0.5
    assert coverage("Chess clocks tick in pairs.", passage, shown) == 0
    assert coverage("anything", "A thought of my own.", shown) is None


OTHER = "Every evening the harbour master wrote down which boats had come home and which had not."


@pytest.mark.parametrize(
    ("draft", "allowed", "words"),
    [
        ("- Every evening, the harbour master wrote down which boats had come home.", "", 12),
        ("- Every evening, the harbour master wrote down which boats had come home.", OTHER, 0),  # the highlight says it
        ("Every evening the harbour master wrote down which boats had come home", "the harbour master wrote down which", 0),
        ("Every evening the harbour master wrote down which boats had come home", "Every evening the harbour master said", 7),
        ("In every evening the harbour", "", 0),  # four words are anybody's
        ("**EVERY** evening the harbour *master* stood", "", 5),
        ("", "", 0),
    ],
)
def test_what_is_from_another_note(draft: str, allowed: str, words: int) -> None:
    notes = [("Mine.md", draft), ("Harbour.md", f"# Log\n\n{OTHER} Every evening the harbour slept.")]
    assert copied([(draft, allowed, "Mine.md")], notes) == [Copied(words, "Harbour.md" if words else "")]


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
def test_the_longest_run_is_found(draft: list[str], note: list[str]) -> None:
    runs = {tuple(note[at:to]) for at in range(len(note)) for to in range(at + 1, len(note) + 1)}
    longest = max((to - at for at in range(len(draft)) for to in range(at + 5, len(draft) + 1) if tuple(draft[at:to]) in runs), default=0)
    assert copied([(" ".join(draft), "", "mine")], [("other", " ".join(note))])[0].words == longest
