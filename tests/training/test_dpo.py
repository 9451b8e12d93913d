"""Preferences: whole rankings as one unit, the same loss as TRL's on pairs, limits that end a training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

import tiny_models
from notewright.errors import Invalid, RunFailed
from notewright.library import Library
from notewright.models import registry
from notewright.records import Dataset
from notewright.settings import Settings
from notewright.training import recipes, train
from tiny_training import in_process, same, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
MakeDataset = Callable[[str, list[dict]], Dataset]
Tiny = Callable[[str], Path]
OPEN = {"max_fall": 0.0, "max_drift": 0.0, "max_invalid": 0.0, "max_kl": 0.0}


def rankings(count: int) -> list[dict]:
    """Three drafts each, all pairs: the person's over one without bold over one without headings."""
    rows = []
    for number, row in enumerate(tiny_models.sft_rows(count)):
        best = row["completion"][0]["content"]
        texts = [best, best.replace("**", ""), "Here it is: " + best.replace("**", "").replace("## ", "")]
        for better in range(3):
            for worse in range(better + 1, 3):
                sides = {"chosen": texts[better], "rejected": texts[worse]}
                said = {name: [{"role": "assistant", "content": text}] for name, text in sides.items()}
                rows.append({"prompt": row["prompt"], **said, "event_id": number + 1, "kind": "ranking"})
    return rows


@pytest.mark.parametrize(
    ("pairs", "texts", "levels"),
    [
        ([("a", "b")], ["a", "b"], [0, 1]),
        ([("b", "a"), ("b", "d"), ("b", "c"), ("a", "c"), ("d", "c")], ["b", "a", "d", "c"], [0, 1, 1, 2]),
        ([("a", "b"), ("a", "c")], ["a", "b", "c"], [0, 1, 1]),
        ([("b", "c"), ("a", "b")], ["a", "b", "c"], [0, 1, 2]),
        ([("a", "b"), ("b", "a")], ["a", "b"], [0, 1]),
    ],
)
def test_pairs_become_the_list_they_came_from(pairs: list, texts: list, levels: list) -> None:
    from notewright.training.data import order

    assert order(pairs) == (texts, levels)


def test_a_ranking_is_one_unit(tiny: Tiny) -> None:
    from transformers import AutoTokenizer

    from notewright.models import chat
    from notewright.training.dpo import encode

    tokenizer = chat.prepare_tokenizer(AutoTokenizer.from_pretrained(tiny("llama")))
    units, too_long = encode(rankings(5), tokenizer, 1024)
    assert (len(units), too_long) == (5, 0)
    assert [(len(unit.texts), unit.levels) for unit in units] == [(3, [0, 1, 2])] * 5
    assert len(encode(tiny_models.preference_rows(4), tokenizer, 1024)[0]) == 4


def test_tokens_that_two_texts_share_weigh_less() -> None:
    from notewright.training.changed import differing

    text, other = [1, 2, 3, 4, 20, 21, 5, 6, 7, 8, 9], [1, 2, 3, 4, 30, 5, 6, 7, 8, 9]
    assert differing(text, other, 0.2) == [0.2] * 4 + [1.0] * 2 + [0.5] * 3 + [0.2] * 2
    assert differing(other, [1, 2, 3, 4, 5, 6, 7, 8, 9], 0.0) == [0.0] * 4 + [1.0] + [0.5] * 3 + [0.0] * 2
    assert differing([1, 2, 3, 4, 5, 6, 7, 8, 9], other, 0.0) == [0.0] * 4 + [0.5] * 3 + [0.0] * 2  # all that a deletion leaves
    assert differing(text, text, 0.0) == [0.0] * 11
    assert differing([1, 2, 8, 9], [3, 1, 2, 4, 8, 9], 0.0) == [1.0] * 4  # two tokens in a row are chance


def test_the_worse_text_keeps_what_the_better_one_has_too(tiny: Tiny) -> None:
    """How both go on and end is neither taught nor taken; whole texts would take it from the worse one. Orders of three texts are compared
    two by two, each by where these two differ."""
    import torch

    from notewright.training import dpo
    from notewright.training.batches import Unit
    from notewright.training.losses import leads_of, plackett_luce
    from notewright.training.recipes import DpoRecipe

    same, end = [1, 2, 3, 4], [5, 6, 7, 8, 9]
    texts = [[*same, 20, *end], [*same, 30, *end], [*same, 40, *end]]
    torch.manual_seed(0)
    chances = [torch.randn(10).requires_grad_() for _ in texts]

    def loss(shared: float) -> tuple[float, list[list[float]]]:
        unit = dpo.mark(Unit([50], texts, [0, 1, 2]), shared)
        unit.reference = [0.25 * sum(weights) for _, weights in unit.marks] or [2.5] * 3
        value, _ = dpo.loss_of(DpoRecipe(beta=0.5, sft_weight=0.0, shared=shared))(chances, unit)
        return float(value.detach()), [part.tolist() for part in torch.autograd.grad(value, chances)]

    weights = torch.tensor([0.0] * 4 + [1.0] + [0.5] * 3 + [0.0] * 2)
    by_hand = plackett_luce(0.5 * leads_of(torch.stack([((part - 0.25) * weights).sum() for part in chances])), [0, 1, 2])
    found, gradients = loss(0.0)
    assert found == pytest.approx(float(by_hand.detach()), abs=1e-6)
    assert [[bool(value) for value in part] for part in gradients] == [[bool(weight) for weight in weights]] * 3
    whole, gradients = loss(1.0)
    assert whole == pytest.approx(
        float(plackett_luce(0.5 * leads_of(torch.stack([part.sum() for part in chances])), [0, 1, 2]).detach()), abs=1e-6
    )
    assert all(value for part in gradients for value in part)


def test_lists_train_and_a_killed_run_ends_alike(tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    dataset = library.home / make_dataset("preference", rankings(10)).path
    options: dict[str, Any] = {"base": tiny("llama"), "dataset": dataset, "max_steps": 12, "learning_rate": 2e-3, **OPEN}
    straight = in_process("dpo", tmp_path / "straight", **options)
    assert straight["rows"] == 9
    assert straight["accuracy"] > 0.8
    assert straight["margin"] > 0
    killed = in_process("dpo", tmp_path / "killed", kill_at=11, **options)
    assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "killed" / "adapter"))
    assert killed["tokens"] == straight["tokens"]


def test_on_pairs_the_loss_is_trls(tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    """Same rows, adapter, beta and anchor: the first step's loss and the gradient of every adapter weight are the same."""
    import torch
    from datasets import Dataset as Table
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    from notewright.models import chat
    from notewright.training import batches, dpo
    from notewright.training.recipes import DpoRecipe

    tokenizer = chat.prepare_tokenizer(AutoTokenizer.from_pretrained(tiny("llama")))
    units, _ = dpo.encode(tiny_models.preference_rows(3), tokenizer, 1024)

    def fresh() -> Any:
        torch.manual_seed(0)
        return get_peft_model(AutoModelForCausalLM.from_pretrained(tiny("llama")), LoraConfig(target_modules="all-linear", r=4))

    def moved(model: Any) -> None:
        """Away from the reference, the same way each time."""
        torch.manual_seed(1)
        for name, weight in model.named_parameters():
            if "lora_B.default" in name:
                torch.nn.init.normal_(weight, std=0.05)

    class Theirs(DPOTrainer):
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    rows = [{"prompt_ids": unit.prompt, "chosen_ids": unit.texts[0], "rejected_ids": unit.texts[1]} for unit in units]
    settings = DPOConfig(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, beta=0.3, loss_type=["sigmoid", "sft"], loss_weights=[1.0, 0.2],
        gradient_checkpointing=False, report_to="none", max_length=None,
    )  # fmt: skip
    theirs = Theirs(model=fresh(), args=settings, train_dataset=Table.from_list(rows), processing_class=tokenizer)
    moved(theirs.model)
    theirs.model.eval()
    their_loss = theirs.compute_loss(theirs.model, theirs.data_collator(rows))
    their_loss.backward()

    from trl.trainer.utils import add_fused_lm_head

    from notewright.training.head import use_compact_head

    model = fresh()
    add_fused_lm_head(model.get_base_model())
    use_compact_head(model.get_base_model())
    batch = batches.collate(units, tokenizer.pad_token_id, sharing="sdpa")
    assert "position_ids" in batch
    with model.disable_adapter(), torch.no_grad():
        for unit, texts in zip(units, batches.per_text(model, batch), strict=True):
            unit.reference = [float(text.sum()) for text in texts]
    moved(model)
    model.eval()
    preferences = dpo.loss_of(DpoRecipe(beta=0.3, sft_weight=0.0))
    texts = list(batches.per_text(model, batch))
    ours = torch.stack([preferences(part, unit)[0] for part, unit in zip(texts, units, strict=True)]).mean()
    anchor = torch.cat([part[0] for part in texts]).mean()  # TRL's anchor is the mean over the batch's tokens, ours over each text's
    ours = ours - 0.2 * anchor
    ours.backward()
    assert float(ours.detach()) == pytest.approx(float(their_loss.detach()), abs=1e-4)
    gradients = {name: weight.grad for name, weight in theirs.model.named_parameters() if weight.grad is not None and ".ref." not in name}
    assert gradients
    for name, weight in model.named_parameters():
        if weight.grad is not None:
            assert torch.allclose(weight.grad, gradients[name], atol=1e-4), name


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("fall", 0.3, "lost 0.30 nats a token"), ("drift", -0.5, "changed by -50%"), ("invalid", 0.25, "25% more drafts do not end"),
        ("kl", 12.0, "12.0 nats away"),
    ],
)  # fmt: skip
def test_the_last_state_within_limits_is_kept(name: str, value: float, words: str) -> None:
    from types import SimpleNamespace

    from notewright.training.guard import Guard
    from notewright.training.recipes import DpoRecipe

    good = {"fall": 0.1, "drift": 0.1, "invalid": 0.0, "kl": 3.0}
    guard = Guard.__new__(Guard)
    guard.session = SimpleNamespace(recipe=DpoRecipe())  # type: ignore[assignment]
    guard.checks = [(10, good), (20, good)]
    assert (guard.kept, guard.over) == (20, False)
    guard.checks.append((30, {**good, name: value}))
    assert (guard.kept, guard.over) == (20, True)
    assert words in guard.broken
    guard.session.recipe = DpoRecipe(**OPEN)
    assert not guard.over


def test_a_policy_that_runs_away_is_stopped(tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    dataset = library.home / make_dataset("preference", tiny_models.preference_rows(12)).path
    options: dict[str, Any] = {"base": tiny("llama"), "dataset": dataset, "max_steps": 20, "guard_rows": 2, "scheduler": "constant"}
    with pytest.raises(RunFailed, match=r"ran away before its first good check, at step 10: .*max_kl = 1e-05") as caught:
        in_process("dpo", tmp_path / "wild", learning_rate=1e-1, sft_weight=0.0, max_kl=1e-5, **options)
    assert "lower rate (now 0.0333333)" in caught.value.hint  # it was tried twice
    slow = in_process("dpo", tmp_path / "slow", learning_rate=1e-5, max_invalid=0.0, **{**options, "max_drift": 0.0})
    assert [step for step, _ in slow["checks"]] == [10, 20]
    assert slow["broken"] == ""


def test_where_it_ran_away_it_is_tried_once_more_with_a_gentler_rate(
    tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notewright.training.guard import Guard

    seen = {"fall": 0.0, "drift": 0.0, "invalid": 0.0}
    monkeypatch.setattr(Guard, "look", lambda guard: {**seen, "kl": 1e4 * guard.session.recipe.learning_rate})
    dataset = library.home / make_dataset("preference", tiny_models.preference_rows(12)).path
    options: dict[str, Any] = {"base": tiny("llama"), "dataset": dataset, "max_steps": 20, "max_kl": 20.0}
    slow = in_process("dpo", tmp_path / "slow", learning_rate=1e-3, **options)
    again = in_process("dpo", tmp_path / "again", learning_rate=3e-3, **options)
    assert "gentler_rate" not in slow
    assert (again["gentler_rate"], again["checks"]) == (pytest.approx(1e-3), slow["checks"])
    assert same(weights(tmp_path / "again" / "adapter"), weights(tmp_path / "slow" / "adapter"))
    broken = in_process("dpo", tmp_path / "broken", learning_rate=3e-3, break_at=15, **options)  # in its second try
    assert broken["gentler_rate"] == pytest.approx(1e-3)
    assert same(weights(tmp_path / "broken" / "adapter"), weights(tmp_path / "slow" / "adapter"))
    with pytest.raises(RunFailed, match="ran away before its first good check"):
        in_process("dpo", tmp_path / "wild", learning_rate=3e-2, **options)


@pytest.mark.parametrize("method", ["edits", "dpo", "kto"])
def test_a_loss_that_is_no_number_stops_every_method(method: str, tiny: Tiny, tmp_path: Path) -> None:
    broken, data = tmp_path / "broken", tmp_path / "data"
    shutil.copytree(tiny("llama"), broken)
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    data.mkdir()
    rows = tiny_models.sft_rows(300 if method == "kto" else 9)
    for number, row in enumerate(rows):
        text = row["completion"][0]["content"]
        sides = {"shown": text, "edited": "#" + text, "chosen": text, "rejected": "#" + text}
        row |= {name: [{"role": "assistant", "content": value}] for name, value in sides.items()}
        hunk = {"kind": "format", "before": "", "after": "#", "start": 0, "to": 0}
        row |= {"hunks": [hunk], "cost": 0.1, "label": number % 2 == 0}
    (data / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(RunFailed, match="no longer a number at step 1; there is no checkpoint yet"):
        in_process(method, tmp_path / "run", base=broken, dataset=data, max_steps=2)


def test_a_second_round_learns_from_its_own_drafts_and_a_killed_run_ends_alike(
    tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge is stood in for: it likes drafts the better the more different letters they have."""
    from notewright.training.judging import Earned, Judge
    from notewright.training.writing import Desk

    closed: list[Any] = []
    monkeypatch.setattr(Desk, "close", lambda self: closed.append(self))

    def pay(self: Any, rows: Any, texts: Any, finished: Any) -> list[Earned]:
        return [Earned(len(set(text)) / 10, None, None, ()) for text in texts]

    monkeypatch.setattr(Judge, "__call__", pay)
    asked = [
        {"prompt": row["prompt"], "reference": "## A note of mine\n" if number % 2 else "", "highlights": [], "known": ""}
        for number, row in enumerate(tiny_models.sft_rows(6))
    ]
    files = {
        "judge.json": json.dumps({"reward": "taste", "habits": {"passages": 0, "fired": {}, "used": {}}}),
        "prompts.jsonl": "".join(json.dumps(row) + "\n" for row in asked),
    }
    dataset = library.home / make_dataset("preference", rankings(10)).path
    options: dict[str, Any] = {
        "base": tiny("qwen2"), "dataset": dataset, "files": files, "rounds": 2, "prompts": 4, "samples": 3, "max_steps": 4,
        "learning_rate": 1e-3, "max_length": 400, **OPEN,
    }  # fmt: skip
    straight = in_process("dpo", tmp_path / "straight", **options)
    assert straight["rounds"] == 2
    assert straight["steps"] == 8
    assert len(closed) == 1  # the reward model is not there while the policy learns
    lines = (tmp_path / "straight" / "rounds" / "round-2" / "samples.jsonl").read_text().splitlines()
    assert lines
    assert {len(json.loads(line)["texts"]) for line in lines} <= {2, 3}
    read = tiny_models.tokenizer("qwen2")
    assert not [text for line in lines for text in json.loads(line)["texts"] if text[-1] == read.eos_token_id]  # its turns end otherwise
    in_process("dpo", tmp_path / "killed", break_at=7, **options)
    assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "killed" / "adapter"))


@pytest.mark.parametrize(("quantize", "learnt", "opened"), [("", "", "guest"), ("4bit", "", "alone"), ("", "4bit", "alone")])
def test_a_reward_is_no_guest_of_a_base_in_4_bits_or_beside_one_in_further_rounds_either(
    quantize: str, learnt: str, opened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its opinions would be others than those by which it earned its trust."""
    from notewright.training import online, writing
    from notewright.training.session import Session

    class Opened(Exception):
        pass

    def refuse(name: str) -> Any:
        def opened(*_: Any, **__: Any) -> None:
            raise Opened(name)

        return opened

    recipe = recipes.resolve("dpo", parameters=10**5, rows=17, overrides={"rounds": 2, "quantize": quantize}).recipe
    parts: dict[str, Any] = dict.fromkeys(("folder", "reporter", "half", "parameters", "free", "model"))
    parts |= {"job": SimpleNamespace(base_folder="/base"), "device": "cpu", "tokenizer": None, "max_length": 512, "recipe": recipe}
    monkeypatch.setattr(writing.bases, "fetch_base", lambda *_, **__: SimpleNamespace(folder=Path("/base")))
    monkeypatch.setattr(writing, "read_about", lambda _: {"quantize": learnt})
    monkeypatch.setattr(writing, "in_four_bits", lambda about, _: about["quantize"] == "4bit")
    monkeypatch.setattr(writing, "GuestReward", refuse("guest"))
    monkeypatch.setattr(writing, "NeuralReward", refuse("alone"))
    monkeypatch.setattr(
        writing.Desk, "__init__",
        lambda self, session: (
            setattr(self, "session", session), setattr(self, "recipe", session.recipe),
            self._open_reward({"folder": "/reward", "base": "/base", "revision": ""}),
        )[0],
    )  # fmt: skip
    with pytest.raises(Opened, match=opened):
        online.write_and_label(Session(**parts), 2)


def test_rounds_need_a_reward_that_has_earned_it(library: Library, settings: Settings, tiny: Tiny, make_dataset: MakeDataset) -> None:
    make_dataset("preference", rankings(10))
    model = registry.ensure_base_model(library, settings, base=str(tiny("llama")))
    with pytest.raises(Invalid, match="may not label pairs for training yet"):
        train(library, settings=settings, method="dpo", start_id=model.id, overrides={"rounds": 2})
    assert library.runs.all() == []


def test_too_few_decisions_are_refused_before_anything_starts(
    library: Library, settings: Settings, tiny: Tiny, make_dataset: MakeDataset
) -> None:
    """Nine rows of the first three rankings, of which the last three rows are for validation: two decisions."""
    make_dataset("preference", rankings(3))
    with pytest.raises(Invalid, match="has 2 training decisions; dpo needs at least 4"):
        train(library, settings=settings, method="dpo", base=str(tiny("llama")))
    assert library.runs.all() == []


def test_too_few_lists_are_refused(tiny: Tiny, tmp_path: Path, library: Library, make_dataset: MakeDataset) -> None:
    dataset = library.home / make_dataset("preference", rankings(3)).path  # nine rows, but three decisions
    with pytest.raises(Invalid, match="2 usable rows; this method needs at least 4"):
        in_process("dpo", tmp_path / "run", base=tiny("llama"), dataset=dataset)
