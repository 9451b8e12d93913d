"""Drafts that go in circles."""

from __future__ import annotations

import pytest

from notewright.records import Highlight
from notewright.vault.lint import find_problems

RIVER = "A straight river is an argument that has not met its flood yet."
GIVEN = [
    Highlight(RIVER, id="1", chapter="Of Rivers and Floods"),
    Highlight("They said no, no, no, no to it.", id="2", chapter="Of Rivers and Floods"),
]


def gates(text: str) -> set[str]:
    return {item.gate for item in find_problems(text, highlights=GIVEN) if item.gate in ("loops", "repeats")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- **Studies**: **Studies**: **Studies**: **Studies**: **Stu", {"loops"}),
        ("- " + "a river of seven words is too long " * 4, {"loops"}),
        ("".join(f"- The same line of {word}\n- A river comes and goes here\n" for word in ("one", "two", "three", "four")),
         {"loops", "repeats"}),
        (f"- **Which**: {RIVER}\n- **Price**: {RIVER}", {"repeats"}),  # one highlight quoted twice
        (f"- {RIVER}\n- {RIVER}", {"repeats"}),
        (f"> [!quote]\n> {RIVER}\n\n- **Which**: {RIVER}", set()),
        (f"- {RIVER}\n- They said no, no, no, no to it.", set()),
        ("".join(f"- Point {word}\n    - Of Rivers and Floods, p. 7\n" for word in ("one", "two", "three", "four", "five")), set()),
        ("- One\n    - 6. What was it in the end?\n- Two\n    - 6. What was it in the end?\n", set()),
        ("- 6. What was it in the end?\n- 6. What was it in the end?\n", {"repeats"}),
        ("Use `a`, `b`, `c`, `d` and `e`.\n\n- Call it as `a`\n- Call it as `b`", set()),
        ("| a b | a b |\n|---|---|\n| a b | a b |\n| a b | a b |", set()),
        ("".join(f"## {word}\n\nMy take:\n\nIt is {word}.\n\n" for word in ("One", "Two", "Three", "Four", "Five")), set()),
    ],
)  # fmt: skip
def test_circles_and_repeats(text: str, expected: set[str]) -> None:
    assert gates(text) == expected
