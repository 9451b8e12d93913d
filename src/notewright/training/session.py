"""What every method's training shares: base and adapter in memory, trainer arguments, checkpoints, progress, the result."""

from __future__ import annotations

import json
import math
import resource
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import TrainerCallback

from ..errors import RunFailed
from ..files import put, whole_folder
from ..library.rows import read_rows, taught_texts
from ..models import bases, chat, engine, precision, splitting
from ..models.generation import passes
from ..models.lookup import Memory
from ..models.quantization import four_bit
from . import attention, lora, processes, recipes
from .data import IGNORED, Rows
from .launch import splits
from .recipes import LONGEST, Recipe, load
from .runs import GOOD, Job, last_good, newest_checkpoint, spent
from .worker import Reporter

RUN_OVER = 17  # steps in succession, after which a loss that was scaled by 65,536 at first is not scaled any more


@dataclass(slots=True)
class Session:
    """A loaded job: `model` carries the adapter `default`, which is the one that is trained."""

    job: Job
    folder: Path
    reporter: Reporter
    recipe: Any
    device: str
    model: Any
    tokenizer: Any
    max_length: int
    half: torch.dtype | None  # what autocast computes in; None: there is none
    parameters: int
    free: int  # bytes, before the base was loaded: what a training needs includes its weights
    checkpointing: bool = False  # of activations; `check_memory` decides
    spent: float = 0.0  # seconds of the same run before this process went on with it
    began: float = field(default_factory=time.monotonic)
    memory: Memory = field(init=False)  # of what was written, so that it is written faster the next time

    def __post_init__(self) -> None:
        self.memory = Memory(lambda: chat.encode_answers(self.tokenizer, taught_texts(Path(self.job.dataset_folder))))

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device, dtype=self.half or torch.bfloat16, enabled=self.half is not None)

    def passes(self, lengths: Sequence[int]) -> list[list[int]]:
        """Places of a batch's rows as they are read together. A card reads a batch at once, and so do several processes, which meet at the
        end of each pass; else the gradients of several passes add up to the batch's."""
        return passes(lengths, recipes.AT_ONCE) if self.in_passes else [list(range(len(lengths)))]

    @property
    def in_passes(self) -> bool:
        return self.device == "cpu" and processes.count() == 1

    def seconds(self) -> float:
        """How long the run has trained, in all its processes one after the other."""
        return self.spent + time.monotonic() - self.began

    @property
    def scaled(self) -> bool:
        """Whether losses are scaled, as small gradients would be lost."""
        return self.half is torch.float16


def open_session(job: Job, folder: Path, reporter: Reporter) -> Session:
    """Load the base (4-bit if asked), then the start adapter or a fresh one."""
    recipe: Any = load(job.method, job.recipe)
    device = engine.pick_device(job.device)
    processes.join(device)
    free, base = engine.free_on_device(device), Path(job.base_folder)
    config = bases.read_config(base)
    parameters = bases.parameter_count(config, base)
    family = str(config.get("model_type"))
    dtype, half = precision.training_dtypes(parameters, device, recipe.precision, family, quantised=bool(recipe.quantize))
    options = {"quantization_config": four_bit(device, family)} if recipe.quantize else {}
    tell_of_float32(reporter, family, device, dtype)
    parts = among_processes(job)
    if parts:
        require_room(job, parameters, dtype)
    model, tokenizer = engine.load_base(base, device="cpu" if parts else device, dtype=dtype, **options)
    attention.prepare(model)
    context = engine.context_length(model.config)
    max_length = min(recipe.max_length or LONGEST, context)
    torch.manual_seed(recipe.seed)
    if job.start_adapter:
        model = PeftModel.from_pretrained(model, job.start_adapter, is_trainable=True)
    else:
        adapter = LoraConfig(
            r=recipe.lora_rank, lora_alpha=recipe.lora_alpha, lora_dropout=recipe.lora_dropout, target_modules="all-linear",
            task_type="CAUSAL_LM",
        )  # fmt: skip
        model = get_peft_model(model, adapter)
    if parts:
        splitting.split(model, model.get_base_model(), device)
    else:
        lora.fold(model, parameters)
    return Session(job, folder, reporter, recipe, device, model, tokenizer, max_length, half, parameters, free, spent=spent(folder))


def tell_of_float32(reporter: Reporter, family: str, device: str, dtype: torch.dtype) -> None:
    if dtype == torch.float32 and precision.needs_float32(family, device):
        reporter.warn(
            f"Bases of the family {family} run over in float16, and this card has no bfloat16 of its own: all is computed in float32, "
            "which takes more time and memory."
        )


def among_processes(job: Job) -> bool:
    """Whether the base's layers are to be split. It is read into main memory then, as no card may hold it whole."""
    return processes.count() > 1 and splits(Path(job.accelerate) if job.accelerate else None)


def require_room(job: Job, parameters: int, dtype: torch.dtype) -> None:
    """Before a base that is to be split is read; no process reads it before all have looked at what is free."""
    splitting.require_room(job.base, parameters, dtype, processes=processes.here(), override=job.force)
    processes.wait()


def check_memory(session: Session, rows: Rows, *, texts: float = 0, at_once: int = 0, written: int = 0) -> None:
    """Tell what the training needs, with activation checkpointing only where it must be; refuse what cannot fit unless forced.

    `texts` are those of one row that are in memory at once (default: 1 for SFT, else 2), each with its prompt; `at_once` are the rows of
    one pass (default: as many of the longest as the method reads in one), `written` the drafts that are written side by side
    (default: those of the checks)."""
    recipe = session.recipe
    doubled = texts or (1 if session.job.method == "sft" else 2)
    free = session.free
    cards = processes.count() if session.device == "cuda" else 1  # each with its share of a batch
    config, longest = bases.read_config(Path(session.job.base_folder)), max(rows.lengths)
    batch = recipe.batch_size
    together = at_once or (recipes.read_together(session.job.method, batch, longest) if session.in_passes else batch)
    # What the checks' drafts took is not given back to the system; a card's is there for the next batch.
    checks = bases.checks_needed(config, tokens=longest, rows=written or _written(session)) if session.device == "cpu" else 0

    def needed(checkpointing: bool) -> int:
        return checks + bases.memory_needed(
            config, method="qlora" if recipe.quantize else "lora",
            dtype=str(session.model.dtype).removeprefix("torch."), half=session.half is not None, tokens=longest,
            rows=math.ceil(together * doubled / cards), rank=recipe.lora_rank,
            completion=max(1, int(rows.trained / max(1, len(rows.lengths)) / doubled)), activation_checkpointing=checkpointing,
            dropout=recipe.lora_dropout > 0, on_cpu=session.device == "cpu", parameters=session.parameters,
            among=processes.count() if splitting.is_split(session.model) else 1,
        )  # fmt: skip

    # It costs a fifth of the speed or more, so a small base goes without as long as the memory lasts.
    choice = recipe.activation_checkpointing
    session.checkpointing = choice == "on" or (choice == "auto" and (session.parameters > bases.SMALL or needed(False) > free))
    size = needed(session.checkpointing)
    session.reporter.emit("memory", needed=size, free=free, activation_checkpointing=session.checkpointing)
    bases.require_memory(size, free, what=f"Training {session.job.base} with these rows", override=session.job.force)


def _written(session: Session) -> int:
    """How many passages the training writes at a time to measure itself by: held-out ones, or for SFT as many that teach."""
    recipe = session.recipe
    most: int = getattr(recipe, "watch_rows", getattr(recipe, "guard_rows", 0)) if getattr(recipe, "early_stop", "") != "off" else 0
    parts = ("train", "valid") if session.job.method == "sft" else ("valid",)
    return min(most, sum(len(read_rows(Path(session.job.dataset_folder) / f"{part}.jsonl")) for part in parts))


def arguments(session: Session, steps: int) -> dict[str, Any]:
    """Trainer arguments that all methods' configs share."""
    recipe: Recipe = session.recipe
    warmup = math.ceil(recipe.warmup * steps)
    return {
        "output_dir": str(session.folder / "checkpoints"),
        "use_cpu": session.device == "cpu",
        "bf16": session.half is torch.bfloat16,
        "fp16": session.scaled,
        "seed": recipe.seed,
        "num_train_epochs": recipe.epochs,
        "max_steps": recipe.max_steps or -1,
        "per_device_train_batch_size": processes.share(recipe.batch_size, what="batch_size"),
        "per_device_eval_batch_size": processes.share(recipe.batch_size, what="batch_size"),
        "gradient_accumulation_steps": recipe.accumulation,
        "activation_checkpointing": session.checkpointing,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": recipe.scheduler,
        "warmup_steps": warmup,
        "weight_decay": recipe.weight_decay,
        "adam_beta2": recipe.adam_beta2,
        "max_grad_norm": recipe.clip or 0.0,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",  # the Keeper decides when
        "save_total_limit": 2,
        "eval_strategy": "no",
        "report_to": session.job.report_to.split(","),
        "run_name": session.folder.name,
        "disable_tqdm": True,
        "dataloader_pin_memory": session.device == "cuda",
    }


SHOWN = ("reward", "kl", "similarity", "blocked", "kl_price")  # of what a method logs beside its loss


class Keeper(TrainerCallback):
    """Progress lines, checkpoints, stopping when asked, and the alarm for a loss that is no number."""

    def __init__(
        self, session: Session, *, before: int = 0, total: int = 0, saves: bool = True, what: str = "", each: int = 1
    ) -> None:  # fmt: skip
        """`before` and `total` count the steps of earlier trainings and of all trainings of the same run (members of an ensemble, rounds).

        Without `saves` the training is a trial: no checkpoints, and its progress lines open with `what`. `each` optimizer steps are told as
        one; in the middle of them it is neither saved nor stopped."""
        self.session, self.reporter = session, session.reporter
        self.before, self.total, self.saves, self.what, self.each = before, total, saves, what, each
        self.losses: list[float] = []
        self._run_over = 0
        self.stopped = False
        self._started = self._saved = self._save_started = 0.0
        self._first_step = 0
        self._saving = 0.0
        self.tokens = 0  # of all steps, those before the training went on too
        self._tokens_before = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._started = self._saved = time.monotonic()
        self._first_step = state.global_step // self.each
        saved = Path(args.output_dir) / f"checkpoint-{state.global_step}" / GOOD
        if self.saves and saved.exists():
            self.tokens = int(json.loads(saved.read_text(encoding="utf-8")).get("tokens", self.tokens))
        self._tokens_before = self.tokens
        self.losses = [float(log["loss"]) for log in state.log_history if "loss" in log]  # of a training that goes on: all of its steps
        self.reporter.emit("start", done=self.before + self._first_step, steps=self.total or state.max_steps // self.each)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, train_dataloader: Any = None, **_: Any) -> None:
        """Where one of several processes goes on in the middle of an epoch, the trainer's own word of which one it is does not get through
        to the order of the rows."""
        train_dataloader.set_epoch(int(state.epoch or 0))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step, rest = divmod(state.global_step, self.each)
        if rest:
            return
        device = self.session.device
        if processes.agree(self.reporter.stop.is_set(), device) and state.global_step < state.max_steps:
            self.stopped = control.should_training_stop = True
            control.should_save = self.saves
            return
        # Often enough that a killed run loses little, and never more than a twentieth of the time.
        waited = time.monotonic() - self._saved
        tenth = max(1, state.max_steps // self.each // 10)
        due = step % tenth == 0 or waited >= self.session.recipe.checkpoint_seconds
        if self.saves and processes.agree(due and waited >= 20 * self._saving, device) and state.global_step < state.max_steps:
            control.should_save = True
            self._save_started = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if not logs or "loss" not in logs:
            return
        loss, norm = float(logs["loss"]), float(logs.get("grad_norm", 0.0))
        # A scaled loss may run over: such a step is left out, and the next one scaled by half as much.
        self._run_over = self._run_over + 1 if self.session.scaled and not math.isfinite(norm) else 0
        if not math.isfinite(loss) or (not math.isfinite(norm) and not 0 < self._run_over <= RUN_OVER):
            at = self.before + state.global_step // self.each
            what = "loss" if not math.isfinite(loss) else "gradient"
            raise RunFailed(
                f"The {what} is no longer a number at step {at}; {last_good(self.session.folder)}.",
                f"Try a lower rate (now {self.session.recipe.learning_rate:g}) or precision = float32. "
                f"Log: {self.session.folder / 'log.txt'}",
            )  # fmt: skip
        self.losses.append(loss)
        elapsed = max(time.monotonic() - self._started, 1e-9)
        step, steps = self.before + state.global_step // self.each, self.total or state.max_steps // self.each
        if not self.saves:
            self.reporter.emit("trial", status=f"{self.what}step {step}/{steps}", loss=round(loss, 5))
            return
        left = time_left(
            elapsed, state.global_step // self.each - self._first_step, step=step, steps=steps, before=self.before,
            part=max(1, state.max_steps // self.each), outside=self.session.seconds() - elapsed,
        )  # fmt: skip
        self.reporter.emit(
            "step", step=step, steps=steps, loss=round(loss, 5), learning_rate=logs.get("learning_rate"),
            tokens_per_second=round((self.tokens - self._tokens_before) / elapsed), eta_seconds=round(left, 1), elapsed=round(elapsed, 1),
            **{name: round(float(logs[name]), 5) for name in SHOWN if name in logs},
        )  # fmt: skip

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        folder, step = Path(args.output_dir) / f"checkpoint-{state.global_step}", state.global_step // self.each
        processes.wait()
        if processes.is_first():
            put(folder / GOOD, json.dumps({"step": step, "tokens": self.tokens, "seconds": round(self.session.seconds(), 3)}))
        if self._save_started:
            self._saving, self._save_started = time.monotonic() - self._save_started, 0.0
        self._saved = time.monotonic()
        self.reporter.emit("checkpoint", saved_step=self.before + step)


def time_left(elapsed: float, done: int, *, step: int, steps: int, before: int, part: int, outside: float) -> float:
    """Seconds that a run has still to go after the `elapsed` ones that `done` steps took, at `step` of all `steps`. Where it has several
    parts of `part` steps (rounds, members), of which `before` were made in earlier ones, what it did `outside` of this one beside steps,
    such as writing drafts to learn from, is done in each part that is to come as well."""
    pace = elapsed / max(1, done)
    beside = max(0.0, outside - pace * (step - done)) / (before / part + 1)
    return pace * (steps - step) + beside * max(0.0, (steps - before) / part - 1)


class Counting(processes.Averaging):
    """A mixin for TRL's trainers: counts real tokens, takes the row order from a LengthSampler, reads a batch in parts whose losses add up,
    writes no model cards."""

    keeper: Keeper
    sampler: Any = None

    def parts(self, inputs: Any) -> list[Any]:
        """A batch as it is read, pass by pass."""
        return [inputs]

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        parts = self.parts(inputs)
        if len(parts) > 1 and num_items_in_batch is None and "labels" in inputs:
            num_items_in_batch = (inputs["labels"] != IGNORED).sum()
        losses = [super(Counting, self).training_step(model, part, num_items_in_batch) for part in parts]  # type: ignore[misc]
        return torch.stack(losses).sum()

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **options: Any) -> Any:
        if model.training:
            self.keeper.tokens += int(inputs["attention_mask"].sum())
        return super().compute_loss(model, inputs, *args, **options)  # type: ignore[misc]

    def create_model_card(self, *_: Any, **__: Any) -> None:
        return None

    def _get_train_sampler(self, *_: Any) -> Any:
        return self.sampler


def train(session: Session, trainer: Any, keeper: Keeper) -> bool:
    """Train from the newest good checkpoint or the start; False when stopped before the end."""
    folder = session.folder
    newest = clear_checkpoints(folder)
    if processes.agree(session.reporter.stop.is_set(), session.device):
        return False
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    return not keeper.stopped


@contextmanager
def unrounded(model: Any) -> Iterator[None]:
    """While a trainer of TRL's is made: beside a 4-bit base it rounds what is trained to bfloat16, whose steps at a weight's usual size are
    larger than those of our rates, so that hardly any weight would move."""
    kept = [(weight, weight.data) for weight in model.parameters() if weight.requires_grad]
    yield
    for weight, data in kept:
        weight.data = data


@contextmanager
def in_use(model: Any, adapter: str, *, back: str) -> Iterator[None]:
    """Another adapter, frozen, while it lasts."""
    model.set_adapter(adapter, inference_mode=True)
    try:
        yield
    finally:
        model.set_adapter(back)


def clear_checkpoints(folder: Path) -> Path | None:
    """Remove what was cut off while being written; returns the newest good checkpoint."""
    if processes.is_first():
        for path in (folder / "checkpoints").glob("checkpoint-*"):
            if not (path / GOOD).exists():
                shutil.rmtree(path)
    processes.wait()
    return newest_checkpoint(folder)


def save_adapter(session: Session) -> Path:
    """Write the trained adapter to `adapter/`, whole or not at all; it names its base so that PEFT by itself finds it on this machine."""
    final = session.folder / "adapter"
    if not processes.is_first():
        return final
    bundled = session.job.base == bases.SEEDLING
    with whole_folder(final) as part:
        write_adapter(session, part, base=session.job.base_folder if bundled else session.job.base)
    return final


def write_adapter(session: Session, folder: Path, *, base: str) -> None:
    """The trained adapter in PEFT's form, which names `base` as what it belongs to."""
    session.model.save_pretrained(str(folder), selected_adapters=["default"], save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"], config["revision"] = base, session.job.revision or None
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def common_metrics(session: Session, keeper: Keeper, rows: Rows, seconds: float) -> dict[str, Any]:
    """What every method measures. Losses are means over the last tenth of the steps; `seconds` are the session's, when it had trained."""
    tail = keeper.losses[-max(1, len(keeper.losses) // 10) :]
    return {
        "loss": round(sum(tail) / len(tail), 5) if tail else None,
        "first_loss": round(keeper.losses[0], 5) if keeper.losses else None,
        "steps": len(keeper.losses),
        "rows": len(rows.lengths),
        "rows_too_long": rows.too_long,
        "max_length": session.max_length,
        "tokens": keeper.tokens,
        "tokens_per_second": round(keeper.tokens / max(seconds, 1e-9)),
        "training_seconds": round(seconds, 1),
        "parameters": session.parameters,
        "trainable": sum(p.numel() for p in session.model.parameters() if p.requires_grad),
        "device": session.device,
        "bf16": session.half is torch.bfloat16,
        "peak_memory": peak_memory(session.device),
    }


def peak_memory(device: str) -> int:
    """The most bytes in use so far: of the card, or of this process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
