"""Ids outlive edits: of the text above, of other headings, of the passage itself, and a new name of the note."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.vault.identity import carry_ids, note_id, renamed
from notewright.vault.notes import parse_note

BEFORE = "# T\n## A\nOne thing about rivers.\n## B\nAnother thing about mills and weirs.\n## B\nA third thing, on eels and otters.\n"


def carried(before: str, after: str) -> list[int | None]:
    """For every passage after, the number of the earlier one whose id it has."""
    old = parse_note("n.md", before.encode()).passages
    new = carry_ids(old, parse_note("n.md", after.encode()).passages)
    assert len({item.id for item in new}) == len(new)
    numbers = {item.id: number for number, item in enumerate(old)}
    return [numbers.get(item.id) for item in new]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (BEFORE, [0, 1, 2]),
        ("Something above.\n\n" + BEFORE, [None, 0, 1, 2]),
        (BEFORE.replace("# T", "# A new title"), [0, 1, 2]),
        (BEFORE.replace("## A", "## Rivers"), [0, 1, 2]),
        (BEFORE.replace("## A", "## New\nQuite new words, all of them.\n## A"), [None, 0, 1, 2]),
        (BEFORE.replace("One thing about rivers.\n", "One thing about small rivers.\n"), [0, 1, 2]),
        ("# T\n## B\nA third thing, on eels and otters.\n## A\nOne thing about rivers.\n", [2, 0]),
        (BEFORE.replace("## A\nOne thing about rivers.\n", ""), [1, 2]),
        (BEFORE.replace("One thing about rivers.", "All was rewritten from scratch here."), [0, 1, 2]),
        ("# T\n## A\nAnother thing about mills and weirs.\n## C\nOne thing about rivers, said anew.\n", [1, 0]),
        ("", []),
    ],
)
def test_passages_keep_their_ids(after: str, expected: list[int | None]) -> None:
    assert carried(BEFORE, after) == expected


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_edits_elsewhere_never_change_an_id(seed: int) -> None:
    """Other sections are added, removed, rewritten and renamed; the title too. This one stays the same one."""
    rng = random.Random(seed)
    others = [
        f"## H{number}\n{' '.join(f'w{rng.randrange(50)}' for _ in range(rng.randint(3, 20)))}\n" for number in range(rng.randint(0, 6))
    ]
    mine = "## Mine\nThe passage that no one touches, word for word.\n"
    at = rng.randint(0, len(others))
    before = "# T\n" + "".join([*others[:at], mine, *others[at:]])
    changed = [item.replace("H", rng.choice(["H", "New "])).replace("w1", rng.choice(["w1", "x"])) for item in others if rng.random() < 0.7]
    rng.shuffle(changed)
    at = rng.randint(0, len(changed))
    after = rng.choice(["# T\n", "# Other\nIntro.\n", ""]) + "".join([*changed[:at], mine, *changed[at:]])
    old = parse_note("n.md", before.encode()).passages
    new = carry_ids(old, parse_note("n.md", after.encode()).passages)
    own = [next(item.id for item in side if "no one touches" in item.text) for side in (old, new)]
    assert own[0] == own[1]


def test_renamed_notes_are_recognised() -> None:
    gone = {
        "a.md": ("1", ["long words here", "more"]),
        "b.md": ("2", ["other"]),
        "c.md": ("3", []),
        "d.md": ("4", ["x"]),
        "e.md": ("4", ["x"]),
    }
    new = {"A.md": ("1", ["long words here", "more"]), "B.md": ("9", ["other", "new"]), "C.md": ("3", []), "D.md": ("4", ["x"])}
    assert renamed(gone, new) == {"A.md": "a.md", "B.md": "b.md"}
    assert renamed({}, new) == renamed(gone, {}) == {}


def test_a_renamed_note_is_recognised_whatever_its_line_ends_are() -> None:
    gone = {"a.md": ("1", ["one\n\ntwo", "- three\n- four"]), "b.md": ("2", ["five\r\nsix"])}
    new = {"A.md": ("3", ["one\r\n\r\ntwo", "- three\r\n- four"]), "B.md": ("4", ["five\nsix"])}
    assert renamed(gone, new) == {"A.md": "a.md", "B.md": "b.md"}


def test_a_renamed_folder_is_recognised_without_comparing_every_note_with_every_other() -> None:
    class Texts(list[str]):
        read = 0

        def __iter__(self) -> Iterator[str]:
            Texts.read += 1
            return super().__iter__()

    gone = {f"Inbox/{number}.md": (f"{number}", Texts([f"words {number}"] if number % 5 else [])) for number in range(100)}
    new = {path.replace("Inbox", "Notes"): (digest + "edited" * (int(digest) % 3 == 0), texts) for path, (digest, texts) in gone.items()}
    assert renamed(gone, new) == {path.replace("Inbox", "Notes"): path for path, (_, texts) in gone.items() if texts}
    assert Texts.read < 10 * len(gone)


def test_a_taken_id_is_not_given_again() -> None:
    first = note_id("a.md")
    assert note_id("a.md", [first]) != first
    passages = parse_note("n.md", BEFORE.encode()).passages
    again = carry_ids((), passages, taken=[passages[0].id])
    assert again[0].id != passages[0].id
    assert again[1:] == passages[1:]
