"""DITTO on a tiny base: the passages gain on what the policy writes, rounds resume, and nothing is kept that does not help."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from notewright.errors import Invalid, RunFailed
from notewright.training.ditto import nearer
from tiny_training import in_process, same, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
SMALL: dict[str, Any] = {
    "rounds": 2, "samples": 2, "prompts": 6, "max_steps": 4, "batch_size": 4, "learning_rate": 2e-3, "watch_rows": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def taught(tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> dict:
    """A short SFT, where DITTO begins."""
    folder = tmp_path_factory.mktemp("taught")
    rows = tiny_models.sft_rows(20)
    for name, part in (("train", rows[:-3]), ("valid", rows[-3:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
    in_process("sft", folder / "sft", base=tiny("llama"), dataset=folder, max_steps=30, learning_rate=1e-2, early_stop="off")
    return {"base": tiny("llama"), "dataset": folder, "start": folder / "sft" / "adapter"}


def test_killed_in_a_later_round_it_resumes_to_the_same_adapter(taught: dict, tmp_path: Path) -> None:
    straight = in_process("ditto", tmp_path / "straight", **taught, **SMALL)
    killed = in_process("ditto", tmp_path / "killed", kill_at=7 if len(straight["distances"]) > 2 else 3, **taught, **SMALL)
    assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "killed" / "adapter"))
    assert (straight["distances"], straight["tokens"]) == (killed["distances"], killed["tokens"])
    assert 0 <= straight["kept_round"] <= len(straight["distances"]) - 1
    assert straight["distances"][straight["kept_round"]] == min(straight["distances"][: straight["kept_round"] + 1])


def test_only_a_gain_beyond_one_standard_error_counts() -> None:
    assert nearer([0.3, 0.4, 0.5], [0.2, 0.3, 0.4])  # all alike
    assert nearer([0.4, 0.4, 0.4, 0.4], [0.3, 0.35, 0.2, 0.4])
    assert not nearer([0.4, 0.4, 0.4, 0.4], [0.4, 0.4, 0.4, 0.1])  # one passage: 0.075 is its standard error, too
    assert not nearer([0.4, 0.2, 0.3], [0.1, 0.4, 0.35])
    assert not nearer([0.2, 0.2], [0.2, 0.2])


def test_the_passage_gains_on_the_samples(taught: dict, tmp_path: Path) -> None:
    """One round: what was written is kept, and its likelihood falls behind the passage's."""
    metrics = in_process("ditto", tmp_path / "run", **taught, **{**SMALL, "rounds": 1, "max_steps": 12, "sft_weight": 0.0})
    assert metrics["first_loss"] == pytest.approx(0.6931, abs=0.02)
    assert metrics["loss"] < 0.5
    events = [json.loads(line) for line in (tmp_path / "run" / "progress.jsonl").read_text().splitlines()]
    assert [event["round"] for event in events if event["event"] == "round"] == [0, 1]
    samples = (tmp_path / "run" / "rounds" / "round-1" / "samples.jsonl").read_text().splitlines()
    assert 0 < len(samples) <= 12
    assert all(json.loads(line)["distance"] >= 0.05 for line in samples)


def test_a_round_that_does_harm_is_not_kept(taught: dict, tmp_path: Path) -> None:
    metrics = in_process("ditto", tmp_path / "run", **taught, **{**SMALL, "learning_rate": 1.0, "clip": 0.0, "sft_weight": 0.0})
    assert metrics["kept_round"] == 0
    assert same(weights(tmp_path / "run" / "adapter"), weights(taught["start"]))
    assert "as it was before" in (tmp_path / "run" / "progress.jsonl").read_text()


@pytest.mark.parametrize(("off", "rounds"), [([0.0, 0.0, 0.0], [0]), ([0.0, 0.3, 0.0], [0]), ([0.2, 0.3, 0.0], [0, 1])])
def test_no_round_is_begun_where_none_could_be_kept(
    taught: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: list[float], rounds: list[int]
) -> None:
    import notewright.training.ditto as method

    monkeypatch.setattr(method.sampling, "distances", lambda session, watched: off)
    metrics = in_process("ditto", tmp_path / "run", **taught, **SMALL)
    events = [json.loads(line) for line in (tmp_path / "run" / "progress.jsonl").read_text().splitlines()]
    assert [event["round"] for event in events if event["event"] == "round"] == rounds
    assert any(event["event"] == "sampled" for event in events) == (len(rounds) > 1)
    assert metrics["kept_round"] == 0  # nothing came nearer in any of the three
    assert same(weights(tmp_path / "run" / "adapter"), weights(taught["start"]))


def test_too_few_passages_are_refused(taught: dict, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="this method needs at least 8"):
        in_process("ditto", tmp_path / "run", **taught, **SMALL, max_length=20)


def test_a_loss_that_is_no_number_names_the_last_good_checkpoint(taught: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import notewright.training.ditto as method

    calls = iter(range(10**6))
    real = method.likelihood
    monkeypatch.setattr(method, "likelihood", lambda *given: real(*given) * (float("nan") if next(calls) >= 12 else 1.0))
    with pytest.raises(RunFailed, match=r"no longer a number at step 4; the last good checkpoint is at step [1-3]\."):
        in_process("ditto", tmp_path / "run", **taught, **SMALL)


def test_a_base_that_computes_no_numbers_is_said(taught: dict, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = tmp_path / "broken"
    shutil.copytree(taught["base"], base)
    tensors = load_file(base / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * float("nan")
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunFailed, match="no longer a number at step 0"):
        in_process("ditto", tmp_path / "run", **{**taught, "base": base, "start": None}, **SMALL)
