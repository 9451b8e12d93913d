"""The neural reward model: which of two texts the person preferred, learnt by several members that each missed a part of the choices.

The base with a LoRA and a scalar head, and the loss of TRL's RewardTrainer (Bradley-Terry, rewards kept near zero) for all pairs of a list
at once: its prompt and each of its texts are read once (`batches`), where rows of pairs read both again for every pair. The lists (all rows
of one ranking, decision or edit) are dealt into as many folds as there are members, all lists about one question into the same: what was
said of a batch in several ways, or of a chapter drafted twice, would tell the answer. Member k starts from seed + k and never sees fold k.
So the members differ as bootstraps do (half-sampling and bootstrap agree for bagging: Buja and Stuetzle, Statistica Sinica 2006), and every
list is judged by a member that has not seen its question: the honest accuracy comes with the training. The linear heads on frozen states
are dealt and judged in the same way.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

from ..files import whole_folder
from ..library.rows import read_rows
from ..models import bases, engine, precision, splitting
from ..reward import neural
from ..reward.lists import list_key, question_key, text_key
from . import attention, lora, policy, processes
from . import session as sessions
from .batches import Unit, inputs_of
from .data import LengthSampler, Rows, encode_choices, order, require_rows
from .linear import fit_heads
from .recipes import LONGEST, MINIMUM_ROWS, RewardRecipe, load, require_questions, total_steps
from .runs import Job, member_folder, spent
from .session import Counting, Keeper, Session
from .worker import Reporter

CENTRE = 0.01  # keeps the rewards near zero, as TRL advises


class Trainer(Counting, transformers.Trainer):  # type: ignore[misc]
    """transformers' trainer on lists: the loss is the mean over a batch's lists."""

    head: torch.nn.Module
    pad: int

    def parts(self, inputs: Any) -> list[Any]:
        return list(inputs["parts"])

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        self.keeper.tokens += sum(unit.tokens for unit in inputs["units"])
        judged = per_text(model, self.head, inputs, self.pad)
        losses = [list_loss(found, unit.levels) for unit, found in zip(inputs["units"], judged, strict=True)]
        return torch.stack(losses).sum() / inputs["of"]


def per_text(model: Any, head: torch.nn.Module, batch: dict[str, Any], pad: int) -> list[torch.Tensor]:
    """For each unit of a batch its texts' rewards: what the head says at a text's last token that is no padding, as in transformers."""
    caught: list[torch.Tensor] = []
    hook = head.register_forward_hook(lambda _module, _given, found: caught.append(found))
    try:
        model(**inputs_of(batch), use_cache=False)
    finally:
        hook.remove()
    found = []
    for unit, starts in zip(batch["units"], batch["starts"], strict=True):
        # An empty text has no token but its end, which some bases pad with: it is judged at the prompt's last one.
        ends = [max((place for place, token in enumerate(text) if token != pad), default=-1) for text in unit.texts]
        found.append(torch.stack([caught[0][row, at + end, 0] for (row, at), end in zip(starts, ends, strict=True)]).float())
    return found


def list_loss(rewards: torch.Tensor, levels: Sequence[int]) -> torch.Tensor:
    """Of all pairs in which one text is above the other. Each counts 2 / texts, so that a full ranking says as much as texts - 1 pairs."""
    pairs = [(a, b) for a, high in enumerate(levels) for b, low in enumerate(levels) if high < low]
    better, worse = (rewards[[pair[side] for pair in pairs]] for side in (0, 1))
    losses = CENTRE * (better + worse) ** 2 - torch.nn.functional.logsigmoid(better - worse)
    return losses.sum() * 2 / len(levels)


@dataclass(frozen=True, slots=True)
class Material:
    """The usable rows with their texts, encoded; `folds[i]` is the fold of row i's question."""

    rows: list[dict[str, Any]]
    encoded: Rows
    chosen: list[tuple[list[int], int]]
    rejected: list[tuple[list[int], int]]
    folds: list[int]


def run(job: Job, folder: Path, reporter: Reporter) -> dict[str, Any] | None:
    """Train every member that is not finished yet, then the linear heads; returns the metrics, or None when stopped before the end."""
    recipe = load(job.method, job.recipe)
    assert isinstance(recipe, RewardRecipe)
    device = engine.pick_device(job.device)
    processes.join(device)
    free, base = engine.free_on_device(device), Path(job.base_folder)
    config = bases.read_config(base)
    parameters, family = bases.parameter_count(config, base), str(config.get("model_type"))
    options = {"quantization_config": sessions.four_bit(device, family)} if recipe.quantize else {}
    tokenizer = engine.load_tokenizer(base)
    max_length = min(recipe.max_length or LONGEST, engine.context_length(engine.read_family(base)))
    own = [row for row in read_rows(Path(job.dataset_folder) / "train.jsonl") if row.get("kind") != "labelled"]  # never its own word
    material = _material(own, tokenizer, max_length, recipe)
    held_out = [row for name in ("valid", "test") for row in read_rows(Path(job.dataset_folder) / f"{name}.jsonl")]
    measured = _material(held_out, tokenizer, max_length, recipe)
    require_rows(material.encoded, MINIMUM_ROWS["reward"], max_length=max_length)
    require_questions(material.rows, recipe.members)
    if material.encoded.too_long:
        reporter.warn(f"{material.encoded.too_long} choices are longer than {max_length} tokens and were not trained on (max_length).")

    began, before = time.monotonic(), spent(folder)
    losses: list[float] = []
    raw, raw_held_out, tokens = [], [], 0
    parts = [_part(material, member, recipe) for member in range(recipe.members)]
    steps = [total_steps(recipe, len(part)) for part in parts]
    for member, part in enumerate(parts):
        done = member_folder(folder, member) / "scores.json"
        if not done.exists():
            opened = _open(job, folder, reporter, replace(recipe, seed=recipe.seed + member), device, max_length, free, options)
            opened.spent, opened.began = before, began
            finished = _train_member(opened, folder, member, part, steps, material, measured)
            del opened  # before the next base is loaded
            engine.give_back(device)
            if not finished:
                return None
        scores = json.loads(done.read_text(encoding="utf-8"))
        raw.append(scores["training"])
        raw_held_out.append(scores["held_out"])
        losses += scores["losses"]
        tokens += scores["tokens"]
    if processes.agree(reporter.stop.is_set(), device):
        return None
    plain, _ = _load(job, device, options, precision.pick_dtype(parameters, device, family))
    states = neural.embeddings(plain.eval(), tokenizer, [*material.chosen, *material.rejected])
    half = len(material.rows)
    heads = fit_heads(states[:half] - states[half:], states, material.folds, recipe.members, weights=_weights(material.rows, recipe))
    opinions = {"ensemble": torch.tensor(raw), "embedding": _pairs(neural.linear(heads.tensors, states), half)}
    seen_later = {"ensemble": torch.tensor(raw_held_out), "embedding": torch.zeros(recipe.members, 2, 0)}
    if measured.rows:
        states = neural.embeddings(plain, tokenizer, [*measured.chosen, *measured.rejected])
        seen_later["embedding"] = _pairs(neural.linear(heads.tensors, states), len(measured.rows))
    about = _judge(material, measured, opinions, seen_later, max_length=max_length, strength=heads.strength) | {"quantize": recipe.quantize}
    _save(folder, about, heads.tensors)
    return {
        **_figures(about), "first_loss": round(losses[0], 5) if losses else None, "loss": round(losses[-1], 5) if losses else None,
        "steps": sum(steps), "rows": len(material.rows), "rows_too_long": material.encoded.too_long, "max_length": max_length,
        "tokens": tokens, "training_seconds": round(before + time.monotonic() - began, 1), "device": device, "strength": heads.strength,
        "peak_memory": sessions.peak_memory(device),
    }  # fmt: skip


def _material(rows: Sequence[dict[str, Any]], tokenizer: Any, max_length: int, recipe: RewardRecipe) -> Material:
    """Rows that fit, and their folds."""
    encoded, usable, chosen, rejected = encode_choices(rows, tokenizer, max_length)
    return Material(usable, encoded, chosen, rejected, deal(usable, recipe.members, recipe.seed))


def deal(rows: Sequence[dict[str, Any]], members: int, seed: int) -> list[int]:
    """The fold of each row: those with most lists first, every question goes to the fold with the fewest so far, so that none stays empty
    while there are questions; which of equals comes first only the seed decides."""
    lists: dict[str, set[str]] = {}
    for row in rows:
        lists.setdefault(question_key(row), set()).add(list_key(row))
    questions = sorted(lists)
    random.Random(seed).shuffle(questions)
    sizes, fold = [0] * members, {}
    for question in sorted(questions, key=lambda key: -len(lists[key])):
        fold[question] = sizes.index(min(sizes))
        sizes[fold[question]] += len(lists[question])
    return [fold[question_key(row)] for row in rows]


def _weights(rows: Sequence[dict[str, Any]], recipe: RewardRecipe) -> list[int]:
    """An edit says more than a choice: the person took the trouble to write the better text."""
    return [recipe.edit_weight if row.get("kind") == "edit" else 1 for row in rows]


def _part(material: Material, member: int, recipe: RewardRecipe) -> list[Unit]:
    """What a member is trained on: all lists outside its fold, edits several times. Its only fold, where there is one, stays in."""
    lists: dict[tuple[str, str], list[int]] = {}
    for at, fold in enumerate(material.folds):
        if fold != member or recipe.members == 1:
            lists.setdefault((list_key(material.rows[at]), material.rows[at]["prompt"][-1]["content"]), []).append(at)
    weights, units = _weights(material.rows, recipe), []
    for places in lists.values():
        pairs = [(material.rows[at]["chosen"][0]["content"], material.rows[at]["rejected"][0]["content"]) for at in places]
        ids: dict[str, list[int]] = {}
        for at, (better, worse) in zip(places, pairs, strict=True):
            ids |= {better: material.chosen[at][0], worse: material.rejected[at][0]}
        texts, levels = order(pairs)
        start = material.chosen[places[0]][1]
        unit = Unit(ids[texts[0]][:start], [ids[text][start:] for text in texts], levels)
        units += [unit] * weights[places[0]]
    return units


def _open(
    job: Job,
    folder: Path,
    reporter: Reporter,
    recipe: RewardRecipe,
    device: str,
    max_length: int,
    free: int,
    options: dict[str, Any],
) -> Session:
    base = Path(job.base_folder)
    torch.manual_seed(recipe.seed)
    adapter = LoraConfig(
        r=recipe.lora_rank, lora_alpha=recipe.lora_alpha, lora_dropout=recipe.lora_dropout, target_modules="all-linear",
        task_type="SEQ_CLS", modules_to_save=["score"],
    )  # fmt: skip
    config = bases.read_config(base)
    parameters, family = bases.parameter_count(config, base), str(config.get("model_type"))
    dtype, half = precision.training_dtypes(parameters, device, recipe.precision, family, quantised=bool(recipe.quantize))
    sessions.tell_of_float32(reporter, family, device, dtype)
    model, tokenizer = _load(job, device, options, dtype, adapter)
    return Session(job, folder, reporter, recipe, device, model, tokenizer, max_length, half, parameters, free)


def _load(job: Job, device: str, options: dict[str, Any], dtype: torch.dtype, adapter: LoraConfig | None = None) -> tuple[Any, Any]:
    """The base with a scalar head, and a fresh adapter where it is to be trained, split where the job says so; and its tokenizer."""
    parts, base = sessions.among_processes(job), Path(job.base_folder)
    if parts:
        sessions.require_room(job, bases.parameter_count(bases.read_config(base), base), dtype)
    model, tokenizer = neural.load_scorer(base, device="cpu" if parts else device, dtype=dtype, **options)
    attention.prepare(model)
    whole = model
    if adapter:
        model = get_peft_model(model, adapter)
    if parts:
        splitting.split(model, whole, device)
    else:
        lora.fold(model, bases.parameter_count(bases.read_config(base), base))
    return model, tokenizer


def _train_member(
    session: Session, folder: Path, member: int, part: Sequence[Unit], steps: Sequence[int], material: Material, measured: Material
) -> bool:
    """Train one member and keep it with what it says; False when stopped before its end."""
    sessions.check_memory(session, policy.as_rows(part, 0), texts=policy.texts_at_once(session, part))
    keeper = Keeper(session, before=sum(steps[:member]), total=sum(steps))
    if not _train(session, keeper, part, steps[member]):
        return False
    keep = {
        "training": _both(session, material), "held_out": _both(session, measured), "losses": keeper.losses, "tokens": keeper.tokens,
        "steps": steps[member], "seconds": round(session.seconds(), 3),
        "trainable": sum(p.numel() for p in session.model.parameters() if p.requires_grad),
    }  # fmt: skip
    _save_member(session, folder, member, keep)
    return True


def _train(session: Session, keeper: Keeper, part: Sequence[Unit], steps: int) -> bool:
    recipe = session.recipe
    settings = transformers.TrainingArguments(**{**sessions.arguments(session, steps), "max_steps": steps, "remove_unused_columns": False})
    trainer = Trainer(
        model=session.model, args=settings, train_dataset=list(part), callbacks=[keeper],
        data_collator=lambda units: policy.in_parts(session, units),
    )  # fmt: skip
    trainer.model_accepts_loss_kwargs = False  # our loss is a mean already
    trainer.keeper, trainer.head, trainer.pad = keeper, session.model.get_base_model().score, session.tokenizer.pad_token_id
    trainer.sampler = LengthSampler([unit.longest for unit in part], recipe.batch_size, recipe.seed, grouping=recipe.length_grouping)
    return sessions.train(session, trainer, keeper)


def _both(session: Session, material: Material) -> list[list[float]]:
    """The member's raw rewards of all chosen and of all rejected texts."""
    session.model.eval()
    ids = [row for row, _ in [*material.chosen, *material.rejected]]
    found = neural.rewards(session.model, session.tokenizer, ids).tolist() if ids else []
    return [found[: len(material.rows)], found[len(material.rows) :]]


def _pairs(raw: torch.Tensor, half: int) -> torch.Tensor:
    """(members, texts) -> (members, chosen or rejected, rows)."""
    return torch.stack([raw[:, :half], raw[:, half:]], 1)


def _save_member(session: Session, folder: Path, member: int, scores: dict[str, Any]) -> None:
    """The member's files, whole or not at all; then its checkpoints go, so that the next member begins at its own start."""
    if not processes.is_first():
        processes.wait()
        return
    with whole_folder(member_folder(folder, member)) as part:
        sessions.write_adapter(session, part, base=session.job.base)
        (part / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    processes.wait()


def _judge(
    material: Material, measured: Material, opinions: dict[str, torch.Tensor], later: dict[str, torch.Tensor], *, max_length: int,
    strength: float,
) -> dict[str, Any]:  # fmt: skip
    """reward.json: scales of the members, and for every row the gap between its two texts as judged without having seen its question."""
    scales, gaps, gaps_later = {}, {}, {}
    folds = torch.tensor(material.folds)
    for part, raw in opinions.items():
        means, spreads = raw.mean((1, 2)), raw.std((1, 2), unbiased=False).clamp(min=1e-6)
        scales[part] = [[float(mean), float(spread)] for mean, spread in zip(means, spreads, strict=True)]
        difference = (raw[:, 0] - raw[:, 1]) / spreads[:, None]
        unseen = torch.arange(len(raw))[:, None] == folds[None] if len(raw) > 1 else torch.zeros_like(difference, dtype=torch.bool)
        gaps[part] = (difference * unseen).sum(0)
        gaps_later[part] = ((later[part][:, 0] - later[part][:, 1]) / spreads[:, None]).mean(0)
    checks = [_check(row, gaps, at) for at, row in enumerate(material.rows)] if len(opinions["ensemble"]) > 1 else []
    held_out = [_check(row, gaps_later, at) for at, row in enumerate(measured.rows)]
    members = [f"member-{number}" for number in range(len(opinions["ensemble"]))]
    return {
        "members": members, "scales": scales, "max_length": max_length, "strength": strength, "dealt": "question", "checks": checks,
        "held_out": held_out,
    }  # fmt: skip


def _check(row: dict[str, Any], gaps: dict[str, torch.Tensor], at: int) -> dict[str, Any]:
    sides = {side: text_key(row[side][0]["content"]) for side in ("chosen", "rejected")}
    return {"list": list_key(row), **sides, **{part: round(float(gap[at]), 5) for part, gap in gaps.items()}}


def _figures(about: dict[str, Any]) -> dict[str, Any]:
    """Shares of rows ordered as the person did; for the training rows as judged by members that had not seen the question."""

    def share(rows: list[dict[str, Any]], *parts: str) -> float | None:
        return round(sum(sum(row[part] for part in parts) > 0 for row in rows) / len(rows), 4) if rows else None

    found: dict[str, Any] = {"lists": len({row["list"] for row in about["checks"]}), "members": len(about["members"])}
    for name, parts in (("accuracy", neural.PARTS), ("ensemble_accuracy", ("ensemble",)), ("embedding_accuracy", ("embedding",))):
        found[name] = share(about["checks"], *parts)
        found[f"held_out_{name}"] = share(about["held_out"], *parts)
    return {**found, "held_out_rows": len(about["held_out"])}


def _save(folder: Path, about: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Gather members, heads and reward.json in `adapter/`, whole or not at all."""
    if not processes.is_first():
        return
    with whole_folder(folder / "adapter") as part:
        for number, name in enumerate(about["members"]):
            shutil.copytree(member_folder(folder, number), part / name, ignore=shutil.ignore_patterns("scores.json"))
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part / "heads.safetensors")
        (part / "reward.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
