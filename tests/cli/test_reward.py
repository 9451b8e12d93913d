"""notewright reward, and what status says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import small_world
from notewright.cli import main
from notewright.library import Library


def test_reward_tells_what_is_trusted(library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_world.build(library, tmp_path)
    assert main(["reward"]) == 0
    shown = capsys.readouterr().out
    assert "do nothing yet" in shown
    assert "notewright train reward" in shown
    assert "models trained to judge, several together" in shown
    assert "0 of the 10 choices of yours" in shown
    assert "lists" not in shown
    assert main(["reward", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["reward"] for item in told["trust"]["rewards"]] == ["taste", "embedding", "ensemble", "combination"]
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trust"] == {
        "taste": "nothing", "embedding": "nothing", "ensemble": "nothing", "combination": "nothing"
    }  # fmt: skip
    assert main(["status"]) == 0
    assert "may order nothing yet" in " ".join(capsys.readouterr().out.split())


def test_scoring_needs_a_model(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reward", "score", "batch-1"]) == 1
    assert "notewright train reward" in capsys.readouterr().err
