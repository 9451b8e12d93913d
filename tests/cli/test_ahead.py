"""Candidates that were prepared ahead of need are nothing that the person left unjudged, before somebody looks at them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notewright.cli import main
from notewright.library import Library
from notewright.records import Draft, Highlight, Source


@pytest.fixture
def ahead(started: Path, home: Path) -> str:
    """One more batch, of three drafts."""
    with Library.open(home) as library:
        batch = library.drafts.new_batch(unseen=True)
        library.drafts.add(Draft("", batch, "s", "", "m", f"- ahead {place}", place, 0, "now") for place in range(3))
    return batch


def counted(capsys: pytest.CaptureFixture[str]) -> tuple[int, int, int]:
    """Drafts as status counts them, as they are listed, and all that there are."""
    found = []
    for command in (["status"], ["drafts"], ["drafts", "list", "--all"]):
        assert main([*command, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    return found[0]["counts"]["drafts"], len(found[1]), len(found[2])


def test_of_several_chapters_and_of_none_is_told(started: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Library.open(home) as library:
        chapters = [Highlight(text=f"Words {place}.", chapter=name, location=place) for place, name in enumerate(("", "Head"))]
        library.sources.upsert(
            [Source(title="Streams", highlights=tuple(chapters))], origin="csv", complete=False, carries=("text", "chapter")
        )
        source = library.sources.find("Streams")
        ids = [item.id for item in library.sources.highlights(source.id)]
        for chosen in (ids[:1], ids):
            batch = library.drafts.new_batch()
            library.drafts.add([Draft("", batch, source.id, "", "m", "- x", 0, 0, "now", highlight_ids=tuple(chosen))])
    assert main(["drafts"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[4] for row in rows if row[3] == "Streams"] == ["(no chapter)", "(several chapters)"]
    assert main(["drafts", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["chapter"] for row in told if row["source_id"] == source.id] == ["", None]


def test_they_are_neither_counted_nor_listed(ahead: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert counted(capsys) == (2, 2, 5)
    assert main(["drafts"]) == 0
    assert ahead not in capsys.readouterr().out


@pytest.mark.parametrize("shown", ["batch-2", "draft-4"])
def test_once_shown_they_are_as_any_others(ahead: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drafts", "show", shown]) == 0
    assert "- ahead 1" in capsys.readouterr().out
    assert counted(capsys) == (5, 5, 5)
    assert main(["rank", "--order", "2 1"]) == 0
    assert "notewright accept draft-4" in capsys.readouterr().out, "the newest batch is the one meant"


def test_rank_takes_the_newest_that_somebody_saw(ahead: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank", "--order", "2 1"]) == 0
    assert "notewright accept draft-2" in capsys.readouterr().out
    assert counted(capsys) == (2, 2, 5)
    assert main(["rank", ahead, "--order", "3 1"]) == 0, "by its name it can be ranked"
    capsys.readouterr()
    assert counted(capsys) == (5, 5, 5)
