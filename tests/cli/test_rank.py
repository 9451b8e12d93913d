"""An order and ticks as they are typed at `notewright rank`."""

from __future__ import annotations

import pytest

from notewright.cli.rank import parse_order, parse_ticks, split_ticks
from notewright.errors import Invalid
from notewright.records import Draft


def drafts(number: int) -> list[Draft]:
    return [Draft(f"draft-{place + 1}", "batch-1", "s", "", "m", "text", place, 0, "now") for place in range(number)]


@pytest.mark.parametrize(
    ("order", "groups"),
    [
        ("2 1 3", [["draft-2"], ["draft-1"], ["draft-3"]]),
        ("2=3 1", [["draft-2", "draft-3"], ["draft-1"]]),
        ("3", [["draft-3"]]),
        ("1>2>3", [["draft-1"], ["draft-2"], ["draft-3"]]),
        ("1, 2", [["draft-1"], ["draft-2"]]),
    ],
)
def test_orders_are_read_as_meant(order: str, groups: list[list[str]]) -> None:
    assert parse_order(order, drafts(3)) == (groups, False)
    assert parse_order("x", drafts(3)) == ([], True)


@pytest.mark.parametrize("order", ["", "4", "1 1", "1=1", "one", "0", "2 x", "1=", "="])
def test_orders_that_cannot_be_meant_are_refused(order: str) -> None:
    with pytest.raises(Invalid):
        parse_order(order, drafts(3))


def test_ticks_are_told_by_number_and_letter_or_name() -> None:
    assert split_ticks("2 1=3 2:sv 1:content") == ("2 1=3", "2:sv 1:content")
    assert parse_ticks("2:sv 1:content,voice", drafts(3)) == {"draft-2": ["structure", "voice"], "draft-1": ["content", "voice"]}
    assert parse_ticks("", drafts(3)) == {}


@pytest.mark.parametrize("ticks", ["4:s", "1:", "1:x", "s", "1:structur"])
def test_ticks_that_cannot_be_meant_are_refused(ticks: str) -> None:
    with pytest.raises(Invalid):
        parse_ticks(ticks, drafts(3))
