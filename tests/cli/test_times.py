"""Times in lists are those of the person's clock; JSON keeps UTC."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from notewright.cli import main
from notewright.clock import day, minute
from notewright.library import Library
from notewright.models.turns import UNCHANGED
from notewright.records import Dataset, Model, Run

KEPT, TOLD = "2026-03-09T02:30:00.123456+00:00", "2026-03-08 22:30"


@pytest.fixture
def kept(library: Library, new_york: None) -> Library:
    """One of each thing whose time is told, made on a Sunday evening: in Greenwich it is Monday."""
    library.datasets.add(Dataset("dataset-1", "sft", str(library.home / "datasets" / "dataset-1"), KEPT, {"counts": {}}))
    library.runs.add(Run("run-1", "sft", str(library.home / "runs" / "run-1"), "finished", KEPT))
    library.models.add(Model("model-1", "base/none", "", "base", KEPT))
    library.events.append("rule", "no-tables", {"action": "add", "text": "no tables"}, at=KEPT)
    library.events.append(UNCHANGED, "person", {"what": "edit cost", "since": KEPT}, at=KEPT)
    return library


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("command", [["dataset", "list"], ["runs", "list"], ["feedback", "list"], ["models", "show", "1"]])
def test_times_are_those_of_the_persons_clock(command: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 0
    told = capsys.readouterr().out
    assert TOLD in told
    assert "UTC" not in told
    assert "2026-03-09" not in told
    assert main([*command, "--json"]) == 0
    assert KEPT in json.dumps(json.loads(capsys.readouterr().out))


@pytest.mark.usefixtures("kept")
def test_what_undo_lists_before_it_asks_has_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["undo", "2"]) == 1, "nobody can be asked"
    told = capsys.readouterr().out
    assert told.count(f"  {TOLD}  ") == 2
    assert "UTC" not in told


def test_a_promotion_is_told_by_the_same_clock(kept: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("notewright.library.products.now", lambda: KEPT)
    kept.models.promote("model-1", "as it is the first")
    assert main(["models", "show"]) == 0
    assert f"promotions: {TOLD} as it is the first" in capsys.readouterr().out


@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize("odd", ["", "some day", "0001-01-01T00:00:00+00:00"])
def test_what_is_no_proper_time_is_shown_as_it_came(odd: str) -> None:
    assert minute(odd) == day(odd) == odd


def test_the_page_of_a_dataset_has_them(kept: Library, tmp_path: Path) -> None:
    from notewright import datasets

    (kept.home / "datasets" / "dataset-1").mkdir(parents=True)
    for split in ("train", "valid", "test"):
        (kept.home / "datasets" / "dataset-1" / f"{split}.jsonl").write_text("")
    page = datasets.report(kept, dataset=kept.datasets.get("dataset-1"), path=tmp_path / "page.html").read_text()
    assert f"Built {TOLD}." in page
