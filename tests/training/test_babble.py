"""Words that a tiny tuned base makes up about highlights that it was not taught."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import tiny_models  # noqa: E402
from notewright.training import babble  # noqa: E402
from tiny_training import in_process, same, weights  # noqa: E402

TAUGHT = [{"prompt": [{"content": "complexity grows slowly"}], "completion": [{"content": "## Growth\n- Slowly"}]}]
ASKED = [{"prompt": [{"role": "user", "content": "modules should be deeper than their interfaces"}]}]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A model whose drafts are `wrote[name of its weights]`; the last number of a draft is its length where it came to no end."""
    made = SimpleNamespace(
        parameters=1_000_000, max_length=100, tokenizer=None, weights={"w": torch.zeros(1)}, wrote={}, asked=0, said=[],
        job=SimpleNamespace(dataset_folder=str(tmp_path / "data"), taught=[]),
    )  # fmt: skip
    made.reporter = SimpleNamespace(warn=made.said.append)
    (tmp_path / "data").mkdir()

    def write(session: Any, prompts: list[list[int]], room: list[int], *, each: int, **_: Any) -> list[list[int]]:
        session.asked += 1
        return [[int(session.weights["w"])]] * len(prompts) * each

    monkeypatch.setattr(babble.chat, "encode_prompt", lambda _, prompt: [ord(sign) for sign in prompt[-1]["content"]])
    monkeypatch.setattr(babble.policy, "weights", lambda session: session.weights)
    monkeypatch.setattr(babble.policy, "set_weights", lambda session, weights: session.weights.update(weights))
    monkeypatch.setattr(babble.sampling, "write", write)
    monkeypatch.setattr(babble.sampling, "text_of", lambda session, draft: session.wrote[draft[0]])
    monkeypatch.setattr(babble.sampling, "ended", lambda session, draft: session.wrote[draft[0]].endswith("."))
    return made


def frozen(folder: Path | str, **files: list[dict[str, Any]]) -> None:
    for name, rows in files.items():
        (Path(folder) / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def seen(
    session: SimpleNamespace, begun: str, now: str, teaching: list[dict[str, Any]] = TAUGHT, **asked: list[dict[str, Any]]
) -> tuple[float, float] | None:
    """(Share before, now) of what was undone. The weights are the first ones then, else those of the training."""
    session.wrote = {0: begun, 1: now}
    session.weights["w"] = torch.ones(1)
    frozen(session.job.dataset_folder, train=teaching, **(asked or {"valid": ASKED}))
    found = babble.undone(session, {"w": torch.zeros(1)})
    assert session.weights["w"] == (not found)
    return (found["made_up_before"], found["made_up"]) if found else None


def test_words_of_its_own_are_told_from_those_of_prompt_and_teaching(session: SimpleNamespace) -> None:
    assert seen(session, "Modules should be deeper.", "Modules should conplexity softwarely deeper.") == (0.0, 0.4)
    assert seen(session, "Modules should be deeper.", "Complexity grows slowly; modules should be deeper.") is None


def test_a_base_that_made_as_many_up_before_is_not_blamed_on_the_training(session: SimpleNamespace) -> None:
    assert seen(session, "Bababa modules should deeper.", "Softwarely conplexity modules should deeper.") is None
    assert session.asked == 2


def test_what_was_cut_off_in_a_word_is_not_made_up(session: SimpleNamespace) -> None:
    assert seen(session, "Modules should be deeper.", "Modules should be deeper, interf") is None


def test_a_larger_base_has_words_of_its_own(session: SimpleNamespace) -> None:
    session.parameters = 500_000_000
    assert seen(session, "Modules should be deeper.", "Softwarely conplexity.") is None
    assert (session.asked, session.said) == (0, [])


def test_where_nothing_steers_the_datasets_own_prompts_are_asked(session: SimpleNamespace) -> None:
    babbling = ("Modules should be deeper.", "Modules should conplexity softwarely deeper.")
    assert seen(session, *babbling, valid=[], probe=ASKED) == (0.0, 0.4)
    (said,) = session.said
    assert said.startswith("About highlights that it was not taught, 40% of the long words were made up (0% before)")
    assert seen(session, babbling[0], "Complexity grows slowly; modules should be deeper.", valid=[], probe=ASKED) is None
    assert len(session.said) == 1


@pytest.mark.parametrize("probe", [[], [{"prompt": [{"content": "x" * 100}]}]])
def test_where_there_is_nothing_to_ask_that_is_said(session: SimpleNamespace, probe: list[dict[str, Any]]) -> None:
    assert seen(session, "Modules should be deeper.", "Softwarely conplexity.", valid=[], probe=probe) is None
    assert not session.asked
    assert [said.partition(",")[0] for said in session.said] == [
        "No highlights are left that neither teach nor only measure and that a prompt has room for"
    ]


@pytest.mark.parametrize("column", ["chosen", "edited", "completion"])
def test_what_any_training_behind_it_taught_is_not_made_up(session: SimpleNamespace, tmp_path: Path, column: str) -> None:
    now = "Modules should conplexity softwarely deeper."
    (tmp_path / "before").mkdir()
    frozen(tmp_path / "before", train=[{"prompt": [{"content": "softwarely"}], column: [{"content": "Conplexity"}]}])
    assert seen(session, "Modules should be deeper.", now, TAUGHT) == (0.0, 0.4)
    session.job.taught = [str(tmp_path / "before")]
    assert seen(session, "Modules should be deeper.", now, TAUGHT) is None
    session.job.taught = []
    struck = [{"prompt": [{"content": "softwarely"}], "rejected": [{"content": "Conplexity"}], "shown": [{"content": "Conplexity"}]}]
    assert seen(session, "Modules should be deeper.", "Modules should conplexity Conplexity deeper.", struck) == (0.0, 0.4)


def test_scripts_without_spaces_have_no_words_that_could_be_told_apart() -> None:
    assert babble.words(["水はゆっくり流れる。 Complexity und Größenwahn"]) == {"complexity", "grössenwahn"}


def refining(method: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows that the method learns from, and what its recipe takes to be short."""
    sft, short = tiny_models.sft_rows(12), {"max_steps": 4, "batch_size": 4, "learning_rate": 2e-3}
    if method == "edits":
        whole = {"kind": "format", "start": 0, "to": 0}
        texts = [row["completion"][0]["content"] for row in sft]
        hunks = [[{**whole, "before": "## ", "after": "### ", "to": 3}] for _ in texts]
        return [
            {"prompt": row["prompt"], "shown": row["completion"], "edited": [{"role": "assistant", "content": "#" + text}], "hunks": hunk}
            for row, text, hunk in zip(sft, texts, hunks, strict=True)
        ], short
    if method == "dpo":
        return tiny_models.preference_rows(12), {**short, "max_drift": 0.0, "max_invalid": 0.0, "max_fall": 0.0}
    return sft, {**short, "rounds": 1, "samples": 2, "prompts": 4, "watch_rows": 3}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize(("method", "kept"), [("ditto", "kept_round"), ("edits", "kept_step"), ("dpo", "kept_step")])
def test_every_method_goes_back_to_the_state_before_where_words_are_made_up(
    method: str, kept: str, tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows, recipe = refining(method)
    frozen(data, train=tiny_models.sft_rows(12), valid=[], probe=ASKED)
    options: dict[str, Any] = {"base": tiny("llama"), "dataset": data, "max_steps": 4, "learning_rate": 1e-2, "early_stop": "off"}
    in_process("sft", tmp_path / "sft", **options)
    frozen(data, train=rows)
    options = {"base": tiny("llama"), "dataset": data, "start": tmp_path / "sft" / "adapter", **recipe}
    start = weights(tmp_path / "sft" / "adapter")
    judged = []

    def babbles(session: Any, begun: dict[str, Any], teaching: list[Any], asked: list[Any]) -> tuple[float, float] | None:
        judged.append((same({name: tensor.cpu() for name, tensor in begun.items()}, start), teaching == rows, [one for one, _ in asked]))
        return verdict

    monkeypatch.setattr(babble, "babbles", babbles)
    verdict: tuple[float, float] | None = None
    sound = in_process(method, tmp_path / "sound", **options)
    assert "made_up" not in sound
    assert not same(weights(tmp_path / "sound" / "adapter"), start)
    verdict = (0.01, 0.25)
    metrics = in_process(method, tmp_path / "run", **options)
    assert (metrics["made_up_before"], metrics["made_up"], metrics[kept]) == (0.01, 0.25, 0)
    assert same(weights(tmp_path / "run" / "adapter"), start)
    assert judged == [(True, True, [row["prompt"] for row in ASKED])] * 2
    log = (tmp_path / "run" / "progress.jsonl").read_text()
    assert log.count("25% of the long words were made up (1% before)") == 1
    assert "made up" not in (tmp_path / "sound" / "progress.jsonl").read_text()
