"""A passage is found again after edits around it and inside it, and not where it is gone."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.vault.trace import trace

PASSAGE = """## Floods
> [!quote] p. 12
> A straight river is an argument that has not met its flood yet.

- **Bends go.** They removed forty-one bends between 1890 and 1935. (p. 12)
- The gravel then travels until the slope is gentle enough to keep it.

![[bed-level.png|center|600]] ^bed"""
BEFORE = "---\ntags: [river]\n---\n# The Slow River\n\nOpening words about why I read this book at all.\n\n"
AFTER = "\n\n## Willows\nWillow cuttings hold a bank better than stone does, he says, and they cost nothing.\n"
TRAIL = ("The Slow River", "Floods")


def found(note: str, passage: str = PASSAGE, **options: object) -> str | None:
    data = note.encode()
    place = trace(passage, data, **options)  # type: ignore[arg-type]
    return data[place.start : place.end].decode() if place else None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("forty-one bends", "41 bends"),
        ("## Floods", "## What floods undo"),
        ("## Floods", "### Floods"),
        ("- The gravel then travels until the slope is gentle enough to keep it.\n", ""),
        ("- The gravel then travels until the slope is gentle enough to keep it.", "- Gravel moves on until the slope is gentle."),
        ("\n\n![[bed-level.png|center|600]] ^bed", ""),
        ("(p. 12)\n", "(p. 12)\n- A bullet of my own that nobody wrote before, on quite another matter.\n"),
        ("![[bed-level.png|center|600]] ^bed", "![[another-picture.jpg]] ^bed"),
        ("gentle enough to keep it.", "gentle enough to keep it.\n- One more thing to remember."),
        ("> [!quote] p. 12\n> A straight river is an argument that has not met its flood yet.\n\n", ""),
        ("They removed", "\n  They removed"),
    ],
)
def test_an_edited_passage_is_found_whole(old: str, new: str) -> None:
    edited = PASSAGE.replace(old, new) if old else PASSAGE
    assert found(BEFORE + edited + AFTER, headings=TRAIL) == edited
    assert found(BEFORE.replace("\n", "\r\n") + edited.replace("\n", "\r\n") + AFTER, headings=TRAIL) == edited.replace("\n", "\r\n")


def test_a_passage_is_found_where_it_moved_and_its_headings_were_renamed() -> None:
    note = AFTER.lstrip() + "\n# Another title\n\n" + PASSAGE + "\n\n## End\nbye\n"
    assert found(note, headings=TRAIL, start=90) == PASSAGE


def test_a_body_without_heading_is_found_and_its_neighbours_are_not_taken() -> None:
    body = "- Otters came back in 1998.\n- They eat eels first and trout only when the eels are gone."
    note = "# Otters\nMy own first remarks, written long ago.\n\n" + body.replace("1998", "2001") + "\n\nA later thought of mine.\n"
    assert found(note, body, headings=("Otters",)) == body.replace("1998", "2001")


def test_a_rewritten_section_is_known_by_its_heading() -> None:
    old = "## Otters\nOtters came back to the upper valley in 1998."
    note = "# River\n\n## Otters\nSince about 1998 there are some again, in the valley.\n\n## Fish\nNone.\n"
    assert found(note, old, headings=("River", "Otters")) == "## Otters\nSince about 1998 there are some again, in the valley."
    assert found(note, old, headings=("Elsewhere", "Otters")) is None


def test_of_equal_passages_the_one_in_its_place_is_meant() -> None:
    note = b"# A\n\nSame words here.\n\n# B\n\nSame words here.\n\n# B\n\nSame words here.\n"
    first = note.find(b"Same")
    places = [first, note.find(b"Same", first + 1), note.rfind(b"Same")]
    for headings, start, expected in ((("A",), None, 0), (("B",), None, 1), (("B",), places[2] + 3, 2), (("C",), 0, 0)):
        place = trace("Same words here.", note, headings=headings, start=start)
        assert place is not None
        assert place.exact
        assert place.start == places[expected]


@pytest.mark.parametrize("note", ["", "\n", "# Other\nWords that have nothing to do with it.\n", "---\na: 1\n---\n", "river\n"])
def test_a_passage_that_is_gone_is_not_found(note: str) -> None:
    assert found(note, headings=TRAIL) is None


@pytest.mark.parametrize("passage", ["", " \n", "---", "^id"])
def test_a_passage_without_words_is_found_only_as_it_is(passage: str) -> None:
    assert trace(passage, b"# A\nbody\n") is None
    if passage.strip():
        assert trace(passage, f"# A\n\n{passage}\n\nbody\n".encode()) is not None


_WORDS = [
    "bank",
    "willow",
    "gravel",
    "otter",
    "eel",
    "bend",
    "slope",
    "mill",
    "weir",
    "flood",
    "spate",
    "silt",
    "reed",
    "heron",
    "stone",
    "bridge",
    "ford",
    "water",
    "meadow",
]


def _line(rng: random.Random, mark: str) -> str:
    return "- " + " ".join(f"{rng.choice(_WORDS)}{mark}{rng.randrange(40)}" for _ in range(rng.randint(4, 14)))


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.booleans())
def test_random_edits_elsewhere_never_lose_a_passage(seed: int, inside: bool) -> None:
    """Other sections are rewritten, moved, added, removed and renamed; with `inside`, a fifth of the passage's words change too."""
    rng = random.Random(seed)
    sections = [f"## H{number}\n" + "\n".join(_line(rng, "o") for _ in range(rng.randint(1, 6))) for number in range(rng.randint(1, 6))]
    passage = "## Mine\n" + "\n".join(_line(rng, "m") for _ in range(rng.randint(2, 6)))
    rng.shuffle(sections)
    sections = [section if rng.random() < 0.5 else section.replace("H", "New ").replace("bank", "shore") for section in sections]
    edited = passage
    if inside:
        words = passage.split(" ")
        for index in rng.sample(range(2, len(words)), len(words) // 5):
            words[index] = f"changed{index}" + ("\n-" if words[index].endswith("\n-") else "")
        edited = " ".join(words)
    at = rng.randint(0, len(sections))
    note = "# T\n\n" + "\n\n".join([*sections[:at], edited, *sections[at:]]) + "\n"
    assert found(note, passage, headings=("T", "Mine"), start=rng.randrange(len(note))) == edited


@given(st.text(), st.binary())
def test_any_bytes_are_searched_without_error(passage: str, data: bytes) -> None:
    place = trace(passage, data, headings=("A",), start=3)
    assert place is None or 0 <= place.start < place.end <= len(data)
