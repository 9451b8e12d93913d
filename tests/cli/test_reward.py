"""notewright reward, and what status says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import small_world
from notewright.cli import main
from notewright.library import Library
from notewright.library.database import now
from notewright.records import Draft
from notewright.reward.score import Score


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


def test_a_draft_too_long_for_the_reward_model_leaves_the_others_of_its_batch_their_scores(
    library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from notewright.reward import neural, trust

    class Judge(neural.NeuralReward):
        def __init__(self) -> None:
            pass

        def sees(self, texts: list) -> list[bool]:
            return [len(text) < 50 for _, text in texts]

        def score(self, texts: list, *, part: str = "") -> list[Score]:
            assert all(self.sees(texts))
            return [Score(float(len(text)), 1.0) for _, text in texts]

    small_world.build(library, tmp_path)
    small_world.base_model(library)
    texts = ("- Short.\n", "- Long.\n" * 50, "- Not as short.\n")
    batch, source = library.drafts.new_batch(), "readwise:b-rivers"
    drafts = library.drafts.add(
        [Draft("", batch, source, "Beginnings", "model-1", text, place, 0, now()) for place, text in enumerate(texts)]
    )
    monkeypatch.setattr(trust, "newest_reward", lambda _: object())
    monkeypatch.setattr(neural, "open_reward", lambda *_, **__: Judge())
    assert main(["reward", "score", batch]) == 0
    shown = capsys.readouterr().out
    assert [line.split("\t")[:2] for line in shown.splitlines()[1:4]] == [
        [drafts[2].id, "+15.00"], [drafts[0].id, "+8.00"], [drafts[1].id, "-"]
    ]  # fmt: skip
    assert "1 draft, longer" in shown
    assert main(["reward", "score", batch, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["value"] for item in told] == [15.0, 8.0, None]
