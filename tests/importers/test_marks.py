"""Dot-commands, tags, times, ids from links."""

from __future__ import annotations

import pytest

from notewright.importers.marks import Marked, highlight_ids, kindle_place, read_marks, source_ids, split_tags, utc_time


@pytest.mark.parametrize(
    ("note", "tags", "color", "expected"),
    [
        (".h1", [], "", Marked("", (), 1)),
        (".H3", [], "", Marked("", (), 3)),
        ("", ["h2"], "", Marked("", (), 2)),
        ("", [".h2", "x"], "", Marked("", ("x",), 2)),
        (".h1 and a remark", [], "", Marked("and a remark", (), 1)),
        (".h1\nand a remark", ["h1"], "", Marked("and a remark", (), 1)),
        (".h7", [], "", Marked("", ("h7",))),
        (".h12", [], "", Marked("", ("h12",))),
        (".favorite", [], "", Marked("", (), 0, True)),
        ("", [".discard"], "", Marked("", (), 0, False, True)),
        ("", ["favorite"], "", Marked("", ("favorite",), 0, True)),
        (".idea", [], "", Marked("", ("idea",))),
        (".idea .later", ["x"], "", Marked("", ("x", "idea", "later"))),
        (".NET is a framework", [], "", Marked(".NET is a framework", ())),
        ("...", [], "", Marked("...", ())),
        ("see .h1", [], "", Marked("see .h1", ())),
        ("", ["Yellow", "x", "x"], "yellow", Marked("", ("x",))),
    ],
)
def test_marks(note: str, tags: list[str], color: str, expected: Marked) -> None:
    assert read_marks(note, tags, color) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []), ("one", ["one"]), (".favorite, Deep Work", [".favorite", "Deep Work"]), ("#a #b-c", ["a", "b-c"]),
        ("[[a]] [[b c]] ", ["a", "b c"]), ("[[x|y]] #z", ["x", "z"]),
    ],
)  # fmt: skip
def test_tag_fields(text: str, expected: list[str]) -> None:
    assert split_tags(text) == expected


@pytest.mark.parametrize(
    "text", ["2020-10-05 10:15:30+00:00", "2020-10-05T10:15:30.999999Z", "2020-10-05T12:15:30+02:00", "2020-10-05 10:15:30"]
)
def test_times_of_all_exporters_are_one(text: str) -> None:
    assert utc_time(text) == "2020-10-05T10:15:30+00:00"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://readwise.io/open/123", ("readwise:123",)),
        ("https://read.readwise.io/read/01ABC", ("reader:01abc",)),
        ("https://read.readwise.io/archive/read/01abc?x=1", ("reader:01abc",)),
        ("https://elsewhere.example/read/01abc", ()),
    ],
)
def test_ids_in_links(url: str, expected: tuple[str, ...]) -> None:
    assert highlight_ids(url=url) == expected


def test_source_ids_are_strongest_first() -> None:
    assert source_ids(readwise=5, reader="01AB", asin="B0", url="https://x.example/a#b") == (
        "readwise:5", "reader:01ab", "asin:B0", "url:https://x.example/a",
    )  # fmt: skip
    assert kindle_place("https://readwise.io/to_kindle?action=open&asin=B0&location=12") == ("B0", 12)
