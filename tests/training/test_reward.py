"""Neural reward models, really trained on tiny bases: every shape, judged as stored, killed and resumed, refused on too little."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from notewright.errors import Invalid, NotFound, RunFailed
from notewright.library import Library
from notewright.models import registry
from notewright.records import Dataset, Run
from notewright.reward.score import Score, combine
from notewright.settings import Settings
from notewright.training import recipes, resume_run, runs, train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
MakeDataset = Callable[[str, list[dict]], Dataset]
Tiny = Callable[[str], Path]


def rows(count: int = 33) -> list[dict[str, Any]]:
    """Choices whose better side is the plain one; two rows a list."""
    made = []
    for number, row in enumerate(tiny_models.preference_rows(count)):
        made.append({**row, "event_id": 1 + number // 2, "kind": "edit" if number % 5 == 0 else "ranking", "source_id": "s", "margin": 1.0})
    return made


@pytest.fixture
def trained(library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny) -> Callable[..., Run]:
    make_dataset("preference", rows())

    def run(shape: str = "llama", **options: Any) -> Run:
        overrides = {"max_steps": 8, "learning_rate": 5e-3, "precision": "float32", **options.pop("overrides", {})}
        return train(library, settings=settings, method="reward", base=str(tiny(shape)), overrides=overrides, **options)

    return run


def in_process(folder: Path, base: Path, dataset: Path, **overrides: Any) -> dict[str, Any]:
    from notewright.training import reward
    from notewright.training.worker import Reporter

    folder.mkdir()
    resolved = recipes.resolve("reward", parameters=10**5, rows=30, overrides={"learning_rate": 5e-3, "precision": "float32", **overrides})
    job = runs.Job(
        method="reward", recipe=resolved.values(), origins={}, base=str(base), base_folder=str(base), revision="", parent_id="",
        start_adapter="", dataset_id="", dataset_folder=str(dataset), dataset_hash="", device="cpu",
    )  # fmt: skip
    metrics = reward.run(job, folder, Reporter(folder))
    assert metrics is not None
    return metrics


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_every_shape_learns_to_judge(shape: str, tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    from notewright.reward.neural import NeuralReward

    dataset = library.home / make_dataset("preference", rows()).path
    metrics = in_process(tmp_path / "run", tiny(shape), dataset, max_steps=10, members=2)
    assert metrics["loss"] < metrics["first_loss"]
    assert metrics["accuracy"] >= 0.9
    assert metrics["embedding_accuracy"] >= 0.9
    assert metrics["held_out_accuracy"] == 1.0
    assert (metrics["lists"], metrics["members"], metrics["rows"], metrics["held_out_rows"]) == (15, 2, 30, 3)

    model = NeuralReward(tmp_path / "run" / "adapter", base=tiny(shape), device="cpu")
    about = model.about
    better, worse = ((row["prompt"], row[side][0]["content"]) for row in rows()[:1] for side in ("chosen", "rejected"))
    together, alone = model.opinions([better, worse]), model.opinions([better])
    assert {name: len(members) for name, members in together.items()} == {"ensemble": 2, "embedding": 2}
    for part, members in together.items():
        assert [opinion[0] for opinion in members] == pytest.approx([opinion[0] for opinion in alone[part]], abs=1e-3)
        check = about["checks"][0]
        fold = next(k for k in (0, 1) if check[part] == pytest.approx(members[k][0] - members[k][1], abs=2e-2))
        assert fold in (0, 1)
    good, bad = model.score([better, worse])
    assert good.value > bad.value
    assert good == combine([opinion[0] for part in ("ensemble", "embedding") for opinion in together[part]])
    with pytest.raises(Invalid, match="sees"):
        model.score([(better[0], "word " * 5000)])


@pytest.mark.parametrize("family", ["granite", "unheard-of", None])
def test_a_base_without_a_model_with_a_scalar_head_is_told_with_what_to_do(family: str | None, tiny: Tiny, tmp_path: Path) -> None:
    from notewright.reward import neural

    base = shutil.copytree(tiny("llama"), tmp_path / "base")
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    (base / "config.json").write_text(json.dumps(config | {"model_type": family}), encoding="utf-8")
    with pytest.raises(Invalid, match=f"family {family}") as caught:
        neural.load_scorer(base, device="cpu")
    assert "--base" in caught.value.hint


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_a_list_is_judged_as_its_texts_are_alone(shape: str, tiny: Tiny) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    from notewright.models import chat
    from notewright.reward import neural
    from notewright.training import attention, batches, reward

    torch.manual_seed(3)
    plain, tokenizer = neural.load_scorer(tiny(shape), device="cpu")
    lora = LoraConfig(r=4, target_modules="all-linear", task_type="SEQ_CLS", modules_to_save=["score"], init_lora_weights=False)
    model = get_peft_model(plain, lora).eval()
    units = []
    for row in tiny_models.preference_rows(3):
        prompt = chat.encode_prompt(tokenizer, row["prompt"])
        texts = [row["chosen"][0]["content"], row["rejected"][0]["content"], "Short", ""]
        units.append(batches.Unit(prompt, [chat.encode_completion(tokenizer, text) for text in texts], [0, 1, 2, 3]))
    pad, head = tokenizer.pad_token_id, model.get_base_model().score
    assert batches.can_share(model.get_base_model(), max(unit.longest for unit in units))
    assert batches.worth_sharing(units, "sdpa")
    alone = neural.rewards(model, tokenizer, [unit.prompt + text for unit in units for text in unit.texts])
    found, slopes = [], []
    for way in ("rows of their own", "shared", "by parts"):
        if way == "by parts":
            attention.prepare(model.get_base_model())
        sharing = "" if way == "rows of their own" else model.get_base_model().config._attn_implementation
        model.zero_grad()
        batch = batches.collate(units, pad, sharing=sharing)
        assert len(batch["input_ids"]) == (3 if sharing else 12)
        judged = reward.per_text(model, head, batch, pad)
        torch.stack([reward.list_loss(part, unit.levels) for part, unit in zip(judged, units, strict=True)]).mean().backward()
        found.append(torch.cat(judged).tolist())
        slopes.append(torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]))
    for rewards, slope in zip(found, slopes, strict=True):
        assert rewards == pytest.approx(alone.tolist(), abs=1e-4)
        assert torch.allclose(slope, slopes[0], atol=1e-4)
    assert float(slopes[0].abs().max()) > 1e-3


def test_the_loss_of_a_list_is_that_of_its_pairs() -> None:
    import torch

    from notewright.training.reward import list_loss

    def pair(better: float, worse: float) -> float:
        """Bradley and Terry's, with TRL's price for rewards that are far from zero."""
        return math.log1p(math.exp(worse - better)) + 0.01 * (better + worse) ** 2

    assert float(list_loss(torch.tensor([0.3, -0.5]), [0, 1])) == pytest.approx(pair(0.3, -0.5))
    three = pair(1.0, 0.2) + pair(1.0, -0.4) + pair(0.2, -0.4)
    assert float(list_loss(torch.tensor([1.0, 0.2, -0.4]), [0, 1, 2])) == pytest.approx(three * 2 / 3)
    accepted = pair(1.0, 0.2) + pair(1.0, -0.4)
    assert float(list_loss(torch.tensor([1.0, 0.2, -0.4]), [0, 1, 1])) == pytest.approx(accepted * 2 / 3)


def test_earlier_examples_change_no_judgement(tiny: Tiny) -> None:
    from notewright.reward.neural import encode, load_scorer

    _, tokenizer = load_scorer(tiny("mistral"), device="cpu")
    row = rows()[0]
    system, user = row["prompt"]
    shown = [system, {"role": "user", "content": "other"}, {"role": "assistant", "content": "note"}, user]
    assert encode(tokenizer, (shown, "text")) == encode(tokenizer, ([system, user], "text"))


def test_a_score_is_careful() -> None:
    assert combine([1.0, 3.0]) == Score(2.0, 1.0)
    assert combine([1.0, 3.0]).value == 1.0
    assert combine([2.0]).value == 2.0


def test_a_finished_run_is_a_reward_model_and_never_writes(library: Library, trained: Callable[..., Run], settings: Settings) -> None:
    from notewright.reward import neural

    seen: list[dict[str, Any]] = []
    run = trained(progress=seen.append)
    steps = [event["step"] for event in seen if event["event"] == "step"]
    assert steps == list(range(1, 25))
    assert {event["steps"] for event in seen if event["event"] == "step"} == {24}
    model = library.models.get(str(run.metrics["model"]))
    assert (model.role, model.parent_id, model.run_id) == ("reward", "model-1", run.id)
    assert model.metrics["accuracy"] >= 0.8
    current = library.models.current()
    assert current is not None
    assert current.role == "base"
    with pytest.raises(Invalid, match="reward model"):
        registry.use(library, model.id)
    row = rows()[0]
    scores = neural.score(library, model, [(row["prompt"], row[side][0]["content"]) for side in ("chosen", "rejected")], device="cpu")
    assert scores[0].value > scores[1].value
    with pytest.raises(Invalid, match="no reward model"):
        neural.score(library, current, [(row["prompt"], "x")])
    folder = library.home / run.path
    assert not (folder / "members").exists()
    job = json.loads((folder / "run.json").read_text())
    assert job["recipe"]["members"] == 3
    (library.home / model.adapter_path / "reward.json").unlink()
    neural._held.clear()
    with pytest.raises(NotFound, match="gone"):
        neural.score(library, model, [(row["prompt"], "x")])


def test_a_killed_ensemble_goes_on_where_it_was(library: Library, trained: Callable[..., Run]) -> None:
    straight = trained()

    def kill(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] >= 13:
            os.kill(int((library.home / "runs" / "run-2" / "worker.pid").read_text()), signal.SIGKILL)

    with pytest.raises(runs.Killed, match="killed"):
        trained(progress=kill)
    reached = runs.checkpoint_step(library.home / "runs" / "run-2")
    assert reached >= 8
    seen: list[dict[str, Any]] = []
    resumed = resume_run(library, "run-2", progress=seen.append)
    assert resumed.status == "finished"
    assert min(event["step"] for event in seen if event["event"] == "step") > reached
    assert resumed.metrics["tokens"] == straight.metrics["tokens"]
    one, other = (library.home / library.models.get(str(run.metrics["model"])).adapter_path for run in (straight, resumed))
    assert json.loads((one / "reward.json").read_text()) == json.loads((other / "reward.json").read_text())
    for name in ("member-0", "member-1", "member-2"):
        assert (one / name / "adapter_model.safetensors").read_bytes() == (other / name / "adapter_model.safetensors").read_bytes()


def test_too_few_choices_are_refused_with_the_number_needed(
    library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny
) -> None:
    make_dataset("preference", rows(15))
    with pytest.raises(Invalid, match="has 12 training rows; reward needs at least 20"):
        train(library, settings=settings, method="reward", base=str(tiny("llama")))


def about(*lists: int) -> list[dict[str, Any]]:
    """Preference rows: for each question so many lists, by turns, of two rows each."""
    turns = [(turn, place) for turn in range(max(lists)) for place, number in enumerate(lists) if turn < number]
    return [{"event_id": 1 + at, "question": f"q{place}"} for at, (_, place) in enumerate(turns) for _ in range(2)]


@pytest.mark.parametrize("lists", [(1,) * 12, (2,) * 12, (5, 1, 1, 3, 1, 1), (9, 1, 1), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("members", [1, 2, 3])
def test_no_question_is_in_two_folds(lists: tuple[int, ...], members: int) -> None:
    from notewright.training.reward import deal

    rows = about(*lists)
    folds = deal(rows, members, 0)
    assert len({(row["question"], fold) for row, fold in zip(rows, folds, strict=True)}) == len(lists)
    sizes = [sum(fold == k for fold in folds) // 2 for k in range(members)]
    assert min(sizes) > 0
    assert max(sizes) - min(sizes) <= max(max(lists), 1)
    assert deal(rows[::-1], members, 0) == folds[::-1]
    if len(lists) > 3:
        assert {tuple(deal(rows, members, seed)) for seed in range(9)} != {tuple(folds)} or members == 1


def test_a_question_without_a_name_is_its_prompt() -> None:
    from notewright.training.reward import deal

    folds = deal([{**row, "event_id": number} for row in rows(12) for number in (1, 2)], 3, 0)
    assert folds[::2] == folds[1::2]
    assert sorted(folds) == sorted([0, 1, 2] * 8)


def test_too_few_questions_are_refused_with_the_number_needed(
    library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path
) -> None:
    """Else a member would miss nothing, and judge what it has seen; or miss all."""
    said = "choices are about 2 chapters .* 3 members needs at least 3"
    twice = [{**row, "question": f"q{number % 2}"} for number, row in enumerate(rows())]
    dataset = make_dataset("preference", twice)
    with pytest.raises(Invalid, match=said) as refused:
        train(library, settings=settings, method="reward", base=str(tiny("llama")))
    assert "--set members=1" in refused.value.hint
    assert library.runs.all() == []
    with pytest.raises(Invalid, match=said):
        in_process(tmp_path / "three", tiny("llama"), library.home / dataset.path, max_steps=1)
    assert in_process(tmp_path / "two", tiny("llama"), library.home / dataset.path, max_steps=1, members=2)["lists"] == 15


def test_a_loss_that_is_no_number_stops_the_run(
    library: Library, settings: Settings, make_dataset: MakeDataset, tiny: Tiny, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    make_dataset("preference", rows())
    broken = tmp_path / "broken"
    shutil.copytree(tiny("llama"), broken)
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunFailed, match="no longer a number at step 1; there is no checkpoint yet"):
        train(library, settings=settings, method="reward", base=str(broken))
    assert not [model for model in library.models.all() if model.role == "reward"]


def test_linear_heads_find_a_direction() -> None:
    import torch

    from notewright.training.linear import fit_heads

    torch.manual_seed(0)
    states = torch.randn(60, 100)
    wanted = torch.randn(100)
    better = (states[:30] @ wanted) > (states[30:] @ wanted)
    sign = torch.where(better, 1.0, -1.0)[:, None]
    differences = (states[:30] - states[30:]) * sign
    heads = fit_heads(differences, states, [at % 3 for at in range(30)], 3, weights=[1] * 30)
    assert heads.tensors["weights"].shape == (3, 100)
    assert float(((heads.tensors["weights"] @ (differences / heads.tensors["spread"]).T) > 0).float().mean()) > 0.8
    assert fit_heads(differences, states, [0] * 30, 1, weights=[1] * 30).tensors["weights"].shape == (1, 100)


def test_one_copy_of_the_base_is_in_memory_at_a_time(
    tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset, monkeypatch
) -> None:
    import weakref

    from notewright.reward import neural

    alive: list[Any] = []
    counts: list[int] = []
    load = neural.load_scorer

    def counted(*given: Any, **options: Any) -> Any:
        counts.append(sum(one() is not None for one in alive))
        found = load(*given, **options)
        alive.append(weakref.ref(found[0]))
        return found

    monkeypatch.setattr(neural, "load_scorer", counted)
    dataset = make_dataset("preference", rows())
    in_process(tmp_path / "run", tiny("llama"), library.home / dataset.path, max_steps=2, members=2)
    assert counts == [0, 0, 0]  # two members, and the frozen one
