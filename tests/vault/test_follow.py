"""A passage is followed from one state of its note to the next: edits of it are told from edits beside it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notewright
from notewright.vault.follow import Followed, find, follow, stood, tidy

ABOVE = "---\ntags: [river]\n---\n# The Slow River\n\nOpening words about why I read this.\n\n## Floods\n\n"
PASSAGE = """- **Bends go.** They removed forty-one bends between 1890 and 1935.
- The gravel then travels until the slope is gentle enough.

> A straight river is an argument that has not met its flood yet."""
BELOW = "\n\nA later remark of mine about floods.\n\n## Willows\n\nWillow cuttings hold a bank better than stone.\n"


def followed(after: str, before: str = ABOVE + PASSAGE + BELOW, passage: str = PASSAGE) -> Followed | None:
    start = len(before[: before.index(passage)].encode())
    data = after.encode()
    found = follow(before.encode(), ((start, start + len(passage.encode())),), data)
    if found:
        assert " ".join(data[a:b].decode() for a, b in found.spans).split() == found.text.split()
        assert all(a < b for a, b in found.spans)
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("forty-one", "41"),
        ("- The gravel then travels until the slope is gentle enough.\n", ""),
        ("- **Bends go.** They removed forty-one bends between 1890 and 1935.\n", ""),
        ("\n\n> A straight river is an argument that has not met its flood yet.", ""),
        ("> A straight river is an argument that has not met its flood yet.", "> Rivers should not be pipes, he says."),
        ("gentle enough.\n", "gentle enough.\n- A bullet that I added.\n"),
        ("gentle enough.\n\n", "gentle enough.\n\nA paragraph that I added.\n\n"),
        ("gentle enough.\n\n", "gentle enough.\n\n## A section of mine\n\nAll about eels.\n\n"),
        ("- The gravel", "\n# Mine\n\nMy own para.\n\n- The gravel"),
        ("flood yet.", "flood yet.\n> And one more line of it."),
        ("- **Bends", "- A first bullet of mine.\n- **Bends"),
        ("- **Bends go.** They removed", "They removed"),
    ],
)
def test_an_edit_inside_is_the_passage_now(old: str, new: str) -> None:
    edited = PASSAGE.replace(old, new)
    assert edited != PASSAGE
    found = followed(ABOVE + edited + BELOW)
    assert found
    assert found.text == tidy(edited)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Opening words about why I read this.", "Quite other words.\n\nAnd more of them, and more."),
        ("## Floods", "## What a flood does"),
        ("## Floods", "# Floods\n\nWords I put above it."),
        ("## Floods\n", ""),
        ("A later remark of mine about floods.", ""),
        ("A later remark of mine about floods.", "Nothing alike stands here now, which I wrote today."),
        ("\n\nA later remark", "\n\nA new paragraph of mine.\n\nA later remark"),
        ("---\ntags: [river]\n---\n", ""),
        ("## Willows\n\nWillow cuttings hold a bank better than stone.\n", ""),
        ("\n", "\r\n"),
    ],
)
def test_edits_beside_it_are_not_ours(old: str, new: str) -> None:
    after = (ABOVE + "\0" + BELOW).replace(old, new)
    passage = PASSAGE.replace("\n", "\r\n") if new == "\r\n" else PASSAGE
    found = followed(after.replace("\0", passage))
    assert found
    assert found.text == PASSAGE
    assert found.share == 1.0


@pytest.mark.parametrize("passage", ["A paragraph about foxes.\n\nAnd one about their dens.", "- A fox.\n- A den."])
@pytest.mark.parametrize(
    "above", ["---\ntags:\n  - books\n---\n", "\ufeff---\ntags: [books]\n---\n", "A remark of mine.\n", "# Foxes\nMine.\n"]
)
def test_properties_and_text_put_right_above_it_are_not_ours(above: str, passage: str) -> None:
    """As Obsidian's own Properties view does it."""
    found = followed(above + passage + "\n", passage + "\n", passage)
    assert found
    assert found.text == passage
    edited = followed(above + passage.replace("fox", "badger") + "\n", passage + "\n", passage)
    assert edited
    assert edited.text == passage.replace("fox", "badger")


def test_a_passage_that_brought_properties_keeps_them() -> None:
    passage = "---\ntags: [books]\n---\n\nA paragraph about foxes."
    found = followed(passage.replace("books", "dens") + "\n\nMine.\n", passage + "\n", passage)
    assert found
    assert found.text == passage.replace("books", "dens")


def test_a_passage_cut_and_pasted_elsewhere_is_found_there() -> None:
    found = followed(ABOVE + BELOW.lstrip() + "\n## Kept for later\n\n" + PASSAGE + "\n")
    assert found
    assert found.text == PASSAGE


def test_of_a_passage_that_was_doubled_the_edited_upper_one_is_followed() -> None:
    edited = PASSAGE.replace("forty-one", "41")
    found = followed(ABOVE + edited + "\n\n" + PASSAGE + BELOW)
    assert found
    assert found.text == edited
    found = followed(ABOVE + PASSAGE + "\n\n" + edited + BELOW)
    assert found
    assert found.text == PASSAGE
    assert len(found.spans) == 1


def test_a_copy_that_stood_below_all_along_stays_a_copy() -> None:
    before = ABOVE + PASSAGE + "\n\n## Copy\n\n" + PASSAGE + BELOW
    found = followed(before.replace("forty-one", "41", 1), before)
    assert found
    assert found.text == PASSAGE.replace("forty-one", "41")
    found = followed(before.replace(PASSAGE + "\n\n## Copy", "## Copy", 1), before)
    assert found is None


def test_what_stands_in_another_note_already_is_left_out() -> None:
    before = (ABOVE + PASSAGE + BELOW).encode()
    start = len(ABOVE.encode())
    spans = ((start, start + len(PASSAGE.encode())),)
    old = "# Mine\n\n" + PASSAGE + "\n"
    assert find(before, spans, old.encode(), without=stood(old.encode(), old.encode())) is None
    new = old + "\nMore.\n\n" + PASSAGE.replace("forty-one", "41") + "\n"
    found = find(before, spans, new.encode(), without=stood(old.encode(), new.encode()))
    assert found
    assert found.text == PASSAGE.replace("forty-one", "41")
    assert found.spans[0][0] > len(old)


@pytest.mark.parametrize("after", ["", "# Something else\n\nwith other words\n", ABOVE + BELOW.lstrip(), ABOVE, BELOW])
def test_a_passage_that_is_gone_is_not_found(after: str) -> None:
    assert followed(after) is None


def test_of_two_equal_passages_each_is_followed_in_its_place() -> None:
    note = "# A\n\nSame words here.\n\n# B\n\nSame words here.\n\n# C\n"
    second = note.rindex("Same")
    found = follow(note.encode(), ((second, second + 16),), note.replace("# A\n\nSame words here.\n\n", "# A\n\n").encode())
    assert found
    assert found.text == "Same words here."
    gone = follow(note.encode(), ((second, second + 16),), note.replace("# B\n\nSame words here.\n\n", "# B\n\n").encode())
    assert gone is None or gone.spans[0][0] > note.index("# B")


def test_another_note_must_hold_half_of_it() -> None:
    before = (ABOVE + PASSAGE + BELOW).encode()
    start = len(ABOVE.encode())
    spans = ((start, start + len(PASSAGE.encode())),)
    found = find(before, spans, b"# New home\n\n" + PASSAGE.encode() + b"\n")
    assert found
    assert found.text == PASSAGE
    assert find(before, spans, before, without=spans) is None
    assert find(before, spans, b"# New home\n\n- They removed bends.\n") is None


def _line(rng: random.Random) -> str:
    return "- " + " ".join(f"w{rng.randrange(4000)}" for _ in range(rng.randint(4, 12)))


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_random_edits_beside_a_passage_never_change_it(seed: int) -> None:
    rng = random.Random(seed)
    above = [_line(rng) for _ in range(rng.randint(0, 8))]
    below = [_line(rng) for _ in range(rng.randint(0, 8))]
    passage = "\n".join(_line(rng) for _ in range(rng.randint(1, 5)))

    def note(first: list[str], last: list[str]) -> str:
        return "# T\n\n" + "\n".join(first) + "\n\n## Mine\n\n" + passage + "\n\n## Next\n\n" + "\n".join(last) + "\n"

    def edited(lines: list[str]) -> list[str]:
        kept = [line if rng.random() < 0.6 else _line(rng) for line in lines if rng.random() < 0.8]
        return kept + [_line(rng) for _ in range(rng.randint(0, 3))]

    found = followed(note(edited(above), edited(below)), note(above, below), passage)
    assert found
    assert found.text == passage


@settings(max_examples=100)
@given(st.text(alphabet="ab \n#-\r", max_size=40), st.text(alphabet="ab \n#-\r", max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_any_text_and_span_is_followed_without_error(before: str, after: str, start: int, length: int) -> None:
    found = follow(before.encode(), ((start, start + length),), after.encode())
    assert found is None or before == after or all(0 <= a < b <= len(after.encode()) for a, b in found.spans)


def test_a_few_common_words_are_not_found_all_over_a_long_note() -> None:
    """A note of other matter holds most words of a short passage somewhere; that does not make its text the passage."""
    before = b"# Other\n\n- Third text: **short**. And more.\n"
    spans = ((9, len(before) - 1),)
    notes = sorted((Path(notewright.__file__).parent / "sample" / "data" / "vault").rglob("*.md"))
    assert len(notes) > 10
    assert [note.name for note in notes if find(before, spans, note.read_bytes())] == []
    moved = "# Soundings\n\nMuch was measured.\n\n- Third text: **short**. And a little more.\n\nAt sea.\n"
    assert find(before, spans, moved.encode()).text == "- Third text: **short**. And a little more."  # type: ignore[union-attr]


@pytest.mark.parametrize("blanks", [" ", "\t", "  "])
def test_blanks_at_the_end_of_its_last_line_do_not_lose_it(blanks: str) -> None:
    found = followed((ABOVE + PASSAGE + blanks + BELOW).replace("Opening", "Closing"), ABOVE + PASSAGE + blanks + BELOW)
    assert found
    assert found.text == PASSAGE


UPPER = "## Highlights\n- Willow cuttings hold a bank.\n- Eels go upstream in the dark."
LOWER = "## Highlights\n- Salt was taxed until 1945.\n- Rye keeps longer than wheat."
UNDER_ONE_NAME = f"# Title\n\n{UPPER}\n\n{LOWER}\n"


@pytest.mark.parametrize(
    ("before", "after", "passage", "expected"),
    [
        (UNDER_ONE_NAME, f"# Title\n\n{LOWER}\n", LOWER, LOWER),
        (UNDER_ONE_NAME, f"# Title\n\n{LOWER}\n", UPPER, None),
        (UNDER_ONE_NAME, f"# Title\n\n{LOWER.replace('longer', 'better')}\n", LOWER, LOWER.replace("longer", "better")),
        (UNDER_ONE_NAME, f"# Title\n\n{UPPER}\n", UPPER, UPPER),
        (UNDER_ONE_NAME, f"# Title\n\n{UPPER}\n", LOWER, None),
        (f"# Title\n\n{LOWER}\n", UNDER_ONE_NAME, LOWER, LOWER),
        (f"# Title\n\n{UPPER}\n", UNDER_ONE_NAME, UPPER, UPPER),
        (f"{UPPER}\n\n{LOWER}", LOWER, LOWER, LOWER),
        ("Mine.\n\nSame line.\n\nA.\n\nSame line.\n\nB.\n", "Mine.\n\nSame line.\n\nB.\n", "Same line.\n\nB.", "Same line.\n\nB."),
    ],
)
def test_of_two_that_open_alike_the_one_that_is_gone_is_gone_whole(before: str, after: str, passage: str, expected: str | None) -> None:
    found = followed(after, before, passage)
    assert (found.text if found else None) == expected


def test_what_was_put_in_since_is_no_part_of_it() -> None:
    strange = "> The second fact concerns four observers who count eels."
    cut = PASSAGE.partition("\n\n")[0]
    after = ABOVE + cut + "\n\n" + strange + BELOW
    before, spans = (ABOVE + PASSAGE + BELOW).encode(), ((len(ABOVE), len(ABOVE + PASSAGE)),)
    there = ((after.index(strange), after.index(strange) + len(strange)),)
    assert follow(before, spans, after.encode()).text == f"{cut}\n\n{strange}"  # type: ignore[union-attr]
    assert follow(before, spans, after.encode(), without=there).text == cut  # type: ignore[union-attr]
    within = ABOVE + PASSAGE.replace("\n- The", f"\n\n{strange}\n\n- The").replace("forty-one", "41") + BELOW
    there = ((within.index(strange), within.index(strange) + len(strange)),)
    found = follow(before, spans, within.encode(), without=there)
    assert found
    assert (found.text, len(found.spans)) == (PASSAGE.replace("forty-one", "41"), 2)


ONE = "Moss grows north only where north is wet."
ANEW = "Lichens need dry stone and patience, which few have."


@pytest.mark.parametrize(
    ("now", "told", "expected"),
    [
        (ANEW, ANEW, ANEW),
        (ANEW, "", None),  # it may be of quite another matter
        (f"{ANEW}\n\nAnd a remark of mine.", ANEW, ANEW),
        (f"A remark of mine.\n\n{ANEW}", ANEW, ANEW),
        ("Something else again.", ANEW, None),
    ],
)
def test_what_it_is_told_to_have_become_is_the_passage(now: str, told: str, expected: str | None) -> None:
    before = ABOVE + ONE + BELOW
    found = follow(before.encode(), ((len(ABOVE), len(ABOVE + ONE)),), before.replace(ONE, now).encode(), told=told)
    assert (found.text if found else None) == expected
