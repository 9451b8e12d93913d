"""Tags of notes, and tags of drafts that nobody has used before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from notewright.records import Highlight
from notewright.vault import bearing, build_index
from notewright.vault.lint import find_problems
from notewright.vault.tags import read_tags, tags_of

NOTE = """---
title: Rivers
tags: [water/rivers, "#Deltas"]
---
#maps and (#mills) but no heading
# Title
See page#3 and https://example.org/#part
"""


def test_tags_of_a_note() -> None:
    assert read_tags(NOTE.encode()) == {"water/rivers", "deltas", "maps", "mills"}
    assert read_tags(b"---\ntags:\n  - one\n  - two/three\nother: x\n---\n") == {"one", "two/three"}
    assert read_tags(b"---\r\ntag: one, two\r\n---\r\n") == {"one", "two"}
    for listed in (
        b"tags:\n  [\n    one,\n    two\n  ]",
        b"tags: [\n  one,\n  two\n]",
        b'"tags":\n  - one\n\n  - two',
        b"tags: >\n  one, two",
    ):
        assert read_tags(b"---\nname: x\n" + listed + b"\nother: y\n---\n") >= {"one", "two"}
        assert "y" not in read_tags(b"---\nname: x\n" + listed + b"\nother: y\n---\n")
    assert read_tags(b"No such thing") == frozenset()
    assert tags_of(["Tag it #review, please.", "no tags"]) == {"review"}


def test_the_index_knows_who_bears_a_tag(tmp_path: Path) -> None:
    (tmp_path / "Rivers.md").write_text(NOTE, encoding="utf-8")
    index = build_index(tmp_path)
    assert index.has_tag("Water/Rivers")
    assert index.has_tag("water")  # a tag below it
    assert not index.has_tag("water/lakes")
    assert not index.has_tag("maps", besides="Rivers.md")
    (tmp_path / "Maps.md").write_text("#maps #lakes", encoding="utf-8")
    assert not index.has_tag("lakes")
    index.refresh()
    assert index.has_tag("lakes")
    assert index.has_tag("maps", besides="Rivers.md")
    os.truncate(tmp_path / "Maps.md", 5)
    index.refresh()
    assert not index.has_tag("lakes")


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("It rained. #maps #water", []),
        ("It rained. #flooding", ["#flooding"]),
        ("It rained. #slow-rivers #SlowRivers #slow_rivers #own/tag #asked", []),  # words of the highlight, its tags, asked for
        ("It rained. #slowest", ["#slowest"]),
        ("---\ntags: [maps, invented]\n---\nIt rained.", ["#invented"]),
        ("`#code` and https://example.org/#part and %% #hidden %%", []),
        ("雨。 #川", []),
        ("雨。 #山", ["#山"]),
    ],
)
def test_a_tag_that_nobody_has_used_is_new(tmp_path: Path, text: str, new: list[str]) -> None:
    (tmp_path / "Rivers.md").write_text(NOTE, encoding="utf-8")
    given = [Highlight("Slow rivers meander. 川は曲がる。", tags=("own/tag",))]
    tagged = bearing(build_index(tmp_path), ["#Asked"])
    problems = find_problems(text, highlights=given, tagged=tagged)
    found = [item for item in problems if item.gate == "invented tag"]
    assert [item.reason for item in found] == [f"the tag {tag} is new: no highlight and no note has it" for tag in new]
    assert [text[item.start : item.end] for item in found] == [tag if tag in text else "" for tag in new]
    assert not [item for item in find_problems(text, highlights=given) if item.gate == "invented tag"]
