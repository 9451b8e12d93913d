"""What `notewright train` says about who writes afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import small_world
from notewright import datasets
from notewright.cli import main
from notewright.cli.train import TrainingLine, what_writes_now
from notewright.library import Library
from notewright.records import Model, Run

OLD, NEW = Model("model-1", "base", "", "base", "2026"), Model("model-2", "base", "a", "policy", "2026")


def run(method: str = "sft", **metrics: object) -> Run:
    return Run("run-1", method, "", "finished", "2026", metrics={"model": "model-2", **metrics})


@pytest.mark.parametrize(
    ("made", "before", "current", "told", "untold"),
    [
        (run(), OLD, NEW, ("Current model: model-2", "not compared with model-1", "notewright improve", "rollback"), ("stays",)),
        (run(), None, NEW, ("Current model: model-2",), ("compared",)),
        (run(), OLD, OLD, ("model-1 stays the current model", "notewright models use model-2"), ("compared",)),
        (run("ditto", kept_round=0), OLD, OLD, ("model-1 stays the current model",), ("models use",)),
        (run("reward"), OLD, OLD, ("notewright reward",), ("stays", "compared")),
        (Run("run-1", "sft", "", "interrupted", "2026"), OLD, OLD, ("notewright train sft --resume run-1",), ("compared",)),
    ],
    ids=["promoted", "the first", "not promoted", "nothing gained", "a judge", "stopped"],
)
def test_what_is_not_proven_is_not_claimed(made: Run, before: Model, current: Model, told: tuple, untold: tuple) -> None:
    said = what_writes_now(made, before, current)
    assert all(words in said for words in told), said
    assert not any(words in said for words in untold), said


def test_where_nothing_is_held_out_no_comparison_is_advised() -> None:
    said = what_writes_now(run(), OLD, NEW, measured=False)
    assert "notewright models diff model-1 model-2 --source TITLE" in said
    assert "evaluate" not in said
    assert "improve" not in said


def test_a_message_stays_one_line_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    message = "Only 16 rows: a style needs 30 or more to settle. " * 4
    with TrainingLine() as line:
        line({"event": "warning", "message": message})
    assert capsys.readouterr().err == f"{message}\n", "whoever reads it line by line needs it whole"


def test_figures_have_their_units(library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(library.home))
    figures = {"loss": 0.089971, "training_seconds": 1101.2, "peak_memory": 6150934528, "trainable": 4884480, "bf16": False, "steps": 33}
    made = library.runs.add(replace(run(**figures), id=library.runs.new_id()))
    main(["runs", "show", made.id])
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if len(line.split()) > 1)
    assert (told["loss"], told["training_seconds"], told["peak_memory"]) == ("0.08997", "18 min 21 s", "6.2 GB")
    assert (told["trainable"], told["bf16"], told["steps"]) == ("4.9M", "no", "33")


@pytest.mark.parametrize("named", [True, False])
def test_a_dataset_that_was_touched_teaches_nothing(
    named: bool, library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = small_world.build(library, tmp_path)
    built = datasets.build(library, kind="sft", settings=world.settings)
    with (Path(built.path) / "train.jsonl").open("a") as file:
        file.write("\n")
    assert main(["train", "sft", *(["--dataset", built.id] if named else [])]) == 1
    said = capsys.readouterr().err
    assert f"{built.id} is not as it was frozen: train.jsonl was changed" in said
    assert "hint: Build it again with: notewright dataset sft" in said
    assert library.runs.all() == []


@pytest.mark.parametrize("more", [[], ["--schedule"]])
def test_an_improvement_is_not_begun_with_a_value_that_cannot_be(
    more: list[str], library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["improve", "--set", "epocs=3", *more]) == 1  # begun, it would be kept, and every later one would go on with it
    said = capsys.readouterr()
    assert "unknown key 'epocs'" in said.err
    assert not said.out
    assert not list((library.home / "runs").iterdir())


@pytest.mark.parametrize(
    ("promoted", "examples", "verdict"),
    [
        ("model-2", True, "model-2 is the current version now."),
        ("", None, "model-1 stays the current version."),
        ("model-1", True, "model-1 stays the current version, and writes with your own notes as examples from now on."),
        ("model-1", False, "model-1 stays the current version, and writes without your own notes as examples from now on."),
    ],
)
def test_what_an_improve_came_to_is_one_line(
    promoted: str,
    examples: bool | None,
    verdict: str,
    library: Library,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from notewright import loop

    winner: Any = None if examples is None else SimpleNamespace(examples=examples)
    report = loop.ImproveReport("improve-1", "", "page.html", "model-1", promoted, "because", loop.Decision(winner, "because", ()))
    monkeypatch.setattr(loop, "improve", lambda *_, **__: report)
    assert main(["improve"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if "current version" in line] == [verdict]


def test_an_improve_tells_a_program_where_it_is_beside_the_json(
    library: Library, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server follows one of its own by what it tells, and reads what came of it."""
    from notewright import loop

    def improve(*_: object, progress: Callable[[dict[str, Any]], None], **__: object) -> loop.ImproveReport:
        progress({"message": "improve-1 begins"})
        return loop.ImproveReport("improve-1", "", "page.html", "model-1", "", "because", loop.Decision(None, "because", ()))

    monkeypatch.setattr(loop, "improve", improve)
    assert main(["improve", "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["reason"], told["verdict"]) == ("because", "model-1 stays the current version.")
    assert said.err == "improve-1 begins\n"


def test_a_dataset_says_that_nothing_is_held_out(library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = small_world.build(library, tmp_path)
    assert main(["dataset", "sft"]) == 0
    assert "Nothing is held out" not in capsys.readouterr().out
    all_teach = datasets.build(library, kind="sft", settings=world.settings)
    counts = {"train": 9, "valid": 0, "test": 0, "later": 0}
    library.datasets.add(replace(all_teach, id="dataset-90", manifest={**all_teach.manifest, "counts": counts}))
    assert main(["dataset", "show", "dataset-90"]) == 0
    said = capsys.readouterr().out
    assert "Nothing is held out" in said
    assert "notewright pairs" in said
