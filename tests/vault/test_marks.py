"""Marks without their partner, and what only looks like one."""

from __future__ import annotations

import pytest

from notewright.records import Highlight
from notewright.vault.marks import unclosed
from notewright.vault.rows import read_rows
from notewright.vault.tokens import tokenize


def found(text: str, *given: str) -> list[str]:
    data = text.encode()
    return [mark for mark, _ in unclosed(read_rows(data, tokenize(data)), [Highlight(item) for item in given])]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("- **Goals, strategy, and tactics\n- **Costs.** They rise.", ["**"]),
        ("> ==Studies show that rivers\n\nA second part of it==", ["==", "=="]),  # nothing closes over a blank line
        ("- ~~gone\n- kept~~", ["~~", "~~"]),
        ("An open `code span", ["`"]),
        ("A __strong word", ["__"]),
        ("## A ***loud title", ["***"]),
        ("It ends with **", ["**"]),
        ("| **a | b |\n|---|---|", ["**"]),
        ("川は**曲がる。", ["**"]),
        ("“**bold” and [[Note]]** and **[[Note]]", ["**"]),
    ],
)
def test_a_mark_alone_is_found(text: str, marks: list[str]) -> None:
    assert found(text) == marks


@pytest.mark.parametrize(
    "text",
    [
        "**Bold**, ==marked==, ~~gone~~, `code` and ***both***.",
        "> **Bold over\n> two lines** of a quotation",
        "**Note: **said so",  # a slip that people make
        "2**3 == 8, x == y, a ~~ b and c <== d ==> e, `**` and `a == b` and $x ** y$",
        "```\n**kwargs\n```\n\n    *args, **kwargs\n",
        "* one\n* two\n\n***\n\n- __init__ and `__all__`",
        "It’s `so' said, f**k, and it costs $5 or $6.",
        "\\*\\* and \\== and %% ** %%",
        "Heading\n==",
        "====\n\n____\n\n- [ ] ____ is missing",
    ],
)
def test_what_is_no_mark_alone(text: str) -> None:
    assert found(text) == []


def test_what_a_highlight_leaves_open_may_be_copied() -> None:
    given = "The **kwargs of a function.\n\nSee the footnote**"
    assert found("- The **kwargs of a function", given) == []
    assert found("- The **kwargs of a function\n- The **kwargs again", given) == ["**"]
    assert found("- See the **kwargs", given) == []
    assert found("- The **function", given) == ["**"]
    assert found("- The **function", "The **function** of it") == ["**"]  # closed there
